package rop

// GetRulesTableRequest opens the table of a folder's rules
// ([MS-OXCROPS] 2.2.11.2).
type GetRulesTableRequest struct {
	TableFlags uint8
}

// ROP returns IDGetRulesTable.
func (*GetRulesTableRequest) ROP() ID { return IDGetRulesTable }

func (*GetRulesTableRequest) layout() layout { return layoutInOut }

func (q *GetRulesTableRequest) code(c *coder) {
	u8(c, &q.TableFlags)
}

// GetRulesTableResponse answers GetRulesTableRequest ([MS-OXCROPS] 2.2.11.2.2).
type GetRulesTableResponse struct {
	Status
}

// ROP returns IDGetRulesTable.
func (*GetRulesTableResponse) ROP() ID { return IDGetRulesTable }

func (*GetRulesTableResponse) code(*coder) {}
