package rop

import "mailfs/mapi"

// SortTableRequest sets the order of a table ([MS-OXCROPS] 2.2.5.2).
type SortTableRequest struct {
	SortTableFlags uint8 // TableAsync or 0
	CategoryCount  uint16
	ExpandedCount  uint16
	SortOrders     []mapi.SortOrder
}

// ROP returns IDSortTable.
func (*SortTableRequest) ROP() ID { return IDSortTable }

func (*SortTableRequest) layout() layout { return layoutIn }

func (q *SortTableRequest) code(c *coder) {
	u8(c, &q.SortTableFlags)
	n := count16(c, len(q.SortOrders))
	u16(c, &q.CategoryCount)
	u16(c, &q.ExpandedCount)
	list(c, uint64(n), 5, &q.SortOrders, func(c *coder, o *mapi.SortOrder) {
		u32(c, &o.Tag)
		u8(c, &o.Direction)
	})
}

// SortTableResponse answers SortTableRequest ([MS-OXCROPS] 2.2.5.2.2).
type SortTableResponse struct {
	Status
	TableStatus uint8 // TableStatus…
}

// ROP returns IDSortTable.
func (*SortTableResponse) ROP() ID { return IDSortTable }

func (p *SortTableResponse) code(c *coder) { u8(c, &p.TableStatus) }
