package rop

// SynchronizationOpenCollectorRequest starts a synchronization upload
// ([MS-OXCROPS] 2.2.13.7).
type SynchronizationOpenCollectorRequest struct {
	IsContentsCollector bool
}

// ROP returns IDSynchronizationOpenCollector.
func (*SynchronizationOpenCollectorRequest) ROP() ID { return IDSynchronizationOpenCollector }

func (*SynchronizationOpenCollectorRequest) layout() layout { return layoutInOut }

func (q *SynchronizationOpenCollectorRequest) code(c *coder) {
	boolean(c, &q.IsContentsCollector)
}

// SynchronizationOpenCollectorResponse answers SynchronizationOpenCollectorRequest ([MS-OXCROPS] 2.2.13.7.2).
type SynchronizationOpenCollectorResponse struct {
	Status
}

// ROP returns IDSynchronizationOpenCollector.
func (*SynchronizationOpenCollectorResponse) ROP() ID { return IDSynchronizationOpenCollector }

func (*SynchronizationOpenCollectorResponse) code(*coder) {}
