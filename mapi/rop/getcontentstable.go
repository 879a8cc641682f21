package rop

// GetContentsTableRequest opens the table of a folder's messages
// ([MS-OXCROPS] 2.2.4.14).
type GetContentsTableRequest struct {
	TableFlags uint8 // Table…
}

// ROP returns IDGetContentsTable.
func (*GetContentsTableRequest) ROP() ID { return IDGetContentsTable }

func (*GetContentsTableRequest) layout() layout { return layoutInOut }

func (q *GetContentsTableRequest) code(c *coder) {
	u8(c, &q.TableFlags)
}

// GetContentsTableResponse answers GetContentsTableRequest ([MS-OXCROPS] 2.2.4.14.2).
type GetContentsTableResponse struct {
	Status
	RowCount uint32
}

// ROP returns IDGetContentsTable.
func (*GetContentsTableResponse) ROP() ID { return IDGetContentsTable }

func (p *GetContentsTableResponse) code(c *coder) {
	u32(c, &p.RowCount)
}
