package syncer

import (
	"mailfs/mapi"
	"mailfs/mime"
)

// renderer tells the size that a message has as a file.
type renderer struct{ r mime.Renderer }

func (renderer) version() int { return mime.Version }

func (r renderer) size(m *mapi.Message) (int64, error) { return r.r.Size(m) }
