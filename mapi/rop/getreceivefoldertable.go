package rop

import (
	"mailfs/mapi"
	"mailfs/mapi/wire"
)

// GetReceiveFolderTableRequest asks for all message classes with the folders that
// get them ([MS-OXCROPS] 2.2.3.4).
type GetReceiveFolderTableRequest struct{}

// ROP returns IDGetReceiveFolderTable.
func (*GetReceiveFolderTableRequest) ROP() ID { return IDGetReceiveFolderTable }

func (*GetReceiveFolderTableRequest) layout() layout { return layoutIn }

func (*GetReceiveFolderTableRequest) code(*coder) {}

// receiveFolderColumns are the fixed columns of the table ([MS-OXCSTOR]
// 2.2.1.4.2).
var receiveFolderColumns = []mapi.PropertyTag{
	mapi.NewTag(0x6748, mapi.TypeInteger64), // PidTagFolderId
	mapi.NewTag(0x001A, mapi.TypeString8),   // PidTagMessageClass
	mapi.NewTag(0x3008, mapi.TypeTime),      // PidTagLastModificationTime
}

// GetReceiveFolderTableResponse answers GetReceiveFolderTableRequest ([MS-OXCROPS]
// 2.2.3.4.2).
type GetReceiveFolderTableResponse struct {
	Status
	RowCount uint32
	RowData  []byte // RowCount encoded rows
}

// ROP returns IDGetReceiveFolderTable.
func (*GetReceiveFolderTableResponse) ROP() ID { return IDGetReceiveFolderTable }

func (p *GetReceiveFolderTableResponse) code(c *coder) {
	u32(c, &p.RowCount)
	c.columns, c.known = receiveFolderColumns, true
	rows(c, uint64(p.RowCount), &p.RowData)
}

// Rows decodes the rows: PidTagFolderId, PidTagMessageClass (8-bit) and
// PidTagLastModificationTime.
func (p *GetReceiveFolderTableResponse) Rows() ([][]mapi.Property, error) {
	return decodeRows(wire.NewReader(p.RowData), uint64(p.RowCount), receiveFolderColumns)
}
