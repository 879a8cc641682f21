package rop

// SetSpoolerRequest says that the client will act as a mail spooler
// ([MS-OXCROPS] 2.2.7.4).
type SetSpoolerRequest struct{}

// ROP returns IDSetSpooler.
func (*SetSpoolerRequest) ROP() ID { return IDSetSpooler }

func (*SetSpoolerRequest) layout() layout { return layoutIn }

func (*SetSpoolerRequest) code(*coder) {}

// SetSpoolerResponse answers SetSpoolerRequest ([MS-OXCROPS] 2.2.7.4.2).
type SetSpoolerResponse struct {
	Status
}

// ROP returns IDSetSpooler.
func (*SetSpoolerResponse) ROP() ID { return IDSetSpooler }

func (*SetSpoolerResponse) code(*coder) {}
