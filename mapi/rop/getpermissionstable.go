package rop

// GetPermissionsTableRequest opens the table of a folder's permissions
// ([MS-OXCROPS] 2.2.10.2).
type GetPermissionsTableRequest struct {
	TableFlags uint8
}

// ROP returns IDGetPermissionsTable.
func (*GetPermissionsTableRequest) ROP() ID { return IDGetPermissionsTable }

func (*GetPermissionsTableRequest) layout() layout { return layoutInOut }

func (q *GetPermissionsTableRequest) code(c *coder) {
	u8(c, &q.TableFlags)
}

// GetPermissionsTableResponse answers GetPermissionsTableRequest ([MS-OXCROPS] 2.2.10.2.2).
type GetPermissionsTableResponse struct {
	Status
}

// ROP returns IDGetPermissionsTable.
func (*GetPermissionsTableResponse) ROP() ID { return IDGetPermissionsTable }

func (*GetPermissionsTableResponse) code(*coder) {}
