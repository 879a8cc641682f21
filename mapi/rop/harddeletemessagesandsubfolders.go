package rop

// HardDeleteMessagesAndSubfoldersRequest deletes everything in a folder for good
// ([MS-OXCROPS] 2.2.4.10).
type HardDeleteMessagesAndSubfoldersRequest struct {
	WantAsynchronous     bool
	WantDeleteAssociated bool
}

// ROP returns IDHardDeleteMessagesAndSubfolders.
func (*HardDeleteMessagesAndSubfoldersRequest) ROP() ID { return IDHardDeleteMessagesAndSubfolders }

func (*HardDeleteMessagesAndSubfoldersRequest) layout() layout { return layoutIn }

func (q *HardDeleteMessagesAndSubfoldersRequest) code(c *coder) {
	boolean(c, &q.WantAsynchronous)
	boolean(c, &q.WantDeleteAssociated)
}

// HardDeleteMessagesAndSubfoldersResponse answers HardDeleteMessagesAndSubfoldersRequest ([MS-OXCROPS] 2.2.4.10.2). The
// fields are present on failure, too.
type HardDeleteMessagesAndSubfoldersResponse struct {
	Status
	PartialCompletion bool // some items were not deleted
}

// ROP returns IDHardDeleteMessagesAndSubfolders.
func (*HardDeleteMessagesAndSubfoldersResponse) ROP() ID { return IDHardDeleteMessagesAndSubfolders }

func (p *HardDeleteMessagesAndSubfoldersResponse) code(c *coder) {
	boolean(c, &p.PartialCompletion)
}

func (p *HardDeleteMessagesAndSubfoldersResponse) codeFailure(c *coder) { p.code(c) }
