package rop

// ReloadCachedInformationRequest asks again for what OpenMessage tells
// ([MS-OXCROPS] 2.2.6.7).
type ReloadCachedInformationRequest struct {
	Reserved uint16
}

// ROP returns IDReloadCachedInformation.
func (*ReloadCachedInformationRequest) ROP() ID { return IDReloadCachedInformation }

func (*ReloadCachedInformationRequest) layout() layout { return layoutIn }

func (q *ReloadCachedInformationRequest) code(c *coder) {
	u16(c, &q.Reserved)
}

// ReloadCachedInformationResponse answers ReloadCachedInformationRequest ([MS-OXCROPS] 2.2.6.7.2).
type ReloadCachedInformationResponse struct {
	Status
	Header MessageHeader
}

// ROP returns IDReloadCachedInformation.
func (*ReloadCachedInformationResponse) ROP() ID { return IDReloadCachedInformation }

func (p *ReloadCachedInformationResponse) code(c *coder) {
	messageHeader(c, &p.Header)
}
