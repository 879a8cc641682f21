package rop

// ResetTableRequest drops columns, restriction and order of a table
// ([MS-OXCROPS] 2.2.5.15).
type ResetTableRequest struct{}

// ROP returns IDResetTable.
func (*ResetTableRequest) ROP() ID { return IDResetTable }

func (*ResetTableRequest) layout() layout { return layoutIn }

func (*ResetTableRequest) code(*coder) {}

// ResetTableResponse answers ResetTableRequest ([MS-OXCROPS] 2.2.5.15.2).
type ResetTableResponse struct {
	Status
}

// ROP returns IDResetTable.
func (*ResetTableResponse) ROP() ID { return IDResetTable }

func (*ResetTableResponse) code(*coder) {}
