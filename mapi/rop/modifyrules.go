package rop

import "mailfs/mapi"

// ModifyRulesRequest changes the rules of a folder ([MS-OXCROPS] 2.2.11.1).
type ModifyRulesRequest struct {
	ModifyRulesFlags uint8
	RulesData        []RuleData
}

// RuleData is one rule to change ([MS-OXCROPS] 2.2.11.1.1.1).
type RuleData struct {
	RuleDataFlags  uint8
	PropertyValues []mapi.Property
}

// ROP returns IDModifyRules.
func (*ModifyRulesRequest) ROP() ID { return IDModifyRules }

func (*ModifyRulesRequest) layout() layout { return layoutIn }

func (q *ModifyRulesRequest) code(c *coder) {
	u8(c, &q.ModifyRulesFlags)
	list16(c, 3, &q.RulesData, func(c *coder, d *RuleData) {
		u8(c, &d.RuleDataFlags)
		properties(c, &d.PropertyValues)
	})
}

// ModifyRulesResponse answers ModifyRulesRequest ([MS-OXCROPS] 2.2.11.1.2).
type ModifyRulesResponse struct {
	Status
}

// ROP returns IDModifyRules.
func (*ModifyRulesResponse) ROP() ID { return IDModifyRules }

func (*ModifyRulesResponse) code(*coder) {}
