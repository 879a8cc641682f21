package rop

// EmptyFolderRequest soft deletes everything in a folder
// ([MS-OXCROPS] 2.2.4.9).
type EmptyFolderRequest struct {
	WantAsynchronous     bool
	WantDeleteAssociated bool
}

// ROP returns IDEmptyFolder.
func (*EmptyFolderRequest) ROP() ID { return IDEmptyFolder }

func (*EmptyFolderRequest) layout() layout { return layoutIn }

func (q *EmptyFolderRequest) code(c *coder) {
	boolean(c, &q.WantAsynchronous)
	boolean(c, &q.WantDeleteAssociated)
}

// EmptyFolderResponse answers EmptyFolderRequest ([MS-OXCROPS] 2.2.4.9.2). The
// fields are present on failure, too.
type EmptyFolderResponse struct {
	Status
	PartialCompletion bool // some items were not deleted
}

// ROP returns IDEmptyFolder.
func (*EmptyFolderResponse) ROP() ID { return IDEmptyFolder }

func (p *EmptyFolderResponse) code(c *coder) {
	boolean(c, &p.PartialCompletion)
}

func (p *EmptyFolderResponse) codeFailure(c *coder) { p.code(c) }
