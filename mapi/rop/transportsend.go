package rop

import "mailfs/mapi"

// TransportSendRequest sends a message without putting it into an outgoing folder
// ([MS-OXCROPS] 2.2.7.6).
type TransportSendRequest struct{}

// ROP returns IDTransportSend.
func (*TransportSendRequest) ROP() ID { return IDTransportSend }

func (*TransportSendRequest) layout() layout { return layoutIn }

func (*TransportSendRequest) code(*coder) {}

// TransportSendResponse answers TransportSendRequest ([MS-OXCROPS] 2.2.7.6.2).
type TransportSendResponse struct {
	Status
	NoPropertiesReturned bool
	PropertyValues       []mapi.Property // absent on the wire with NoPropertiesReturned
}

// ROP returns IDTransportSend.
func (*TransportSendResponse) ROP() ID { return IDTransportSend }

func (p *TransportSendResponse) code(c *coder) {
	boolean(c, &p.NoPropertiesReturned)
	if !p.NoPropertiesReturned {
		properties(c, &p.PropertyValues)
	}
}
