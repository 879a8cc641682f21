package rop

// GetHierarchyTableRequest opens the table of a folder's subfolders
// ([MS-OXCROPS] 2.2.4.13).
type GetHierarchyTableRequest struct {
	TableFlags uint8 // Table…
}

// ROP returns IDGetHierarchyTable.
func (*GetHierarchyTableRequest) ROP() ID { return IDGetHierarchyTable }

func (*GetHierarchyTableRequest) layout() layout { return layoutInOut }

func (q *GetHierarchyTableRequest) code(c *coder) {
	u8(c, &q.TableFlags)
}

// GetHierarchyTableResponse answers GetHierarchyTableRequest ([MS-OXCROPS] 2.2.4.13.2).
type GetHierarchyTableResponse struct {
	Status
	RowCount uint32
}

// ROP returns IDGetHierarchyTable.
func (*GetHierarchyTableResponse) ROP() ID { return IDGetHierarchyTable }

func (p *GetHierarchyTableResponse) code(c *coder) {
	u32(c, &p.RowCount)
}
