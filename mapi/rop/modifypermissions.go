package rop

import "mailfs/mapi"

// ModifyPermissionsRequest changes the permissions of a folder ([MS-OXCROPS]
// 2.2.10.1).
type ModifyPermissionsRequest struct {
	ModifyFlags     uint8
	PermissionsData []PermissionData
}

// PermissionData is one permission to change ([MS-OXCROPS] 2.2.10.1.1.1).
type PermissionData struct {
	PermissionDataFlags uint8
	PropertyValues      []mapi.Property
}

// ROP returns IDModifyPermissions.
func (*ModifyPermissionsRequest) ROP() ID { return IDModifyPermissions }

func (*ModifyPermissionsRequest) layout() layout { return layoutIn }

func (q *ModifyPermissionsRequest) code(c *coder) {
	u8(c, &q.ModifyFlags)
	list16(c, 3, &q.PermissionsData, func(c *coder, d *PermissionData) {
		u8(c, &d.PermissionDataFlags)
		properties(c, &d.PropertyValues)
	})
}

// ModifyPermissionsResponse answers ModifyPermissionsRequest ([MS-OXCROPS]
// 2.2.10.1.2).
type ModifyPermissionsResponse struct {
	Status
}

// ROP returns IDModifyPermissions.
func (*ModifyPermissionsResponse) ROP() ID { return IDModifyPermissions }

func (*ModifyPermissionsResponse) code(*coder) {}
