package replica

import (
	"mailfs/mapi"
)

// record is a node as it is stored, with what belongs to it and is not told.
type record struct {
	Node
	content contentRef
	home    Num  // folder in which the server has the message, 0 if none
	local   bool // the content was made here and the server does not have it yet
	full    bool // the content is complete, so that bytes of it may have been read
}

// contentRef names a stored content and the blobs that it refers to.
type contentRef struct {
	id    uint64
	blobs []BlobID
}

const nodeFormat = 1

// The bits of a node's flag byte, in the order of bits.
const (
	nodeExact = 1 << iota
	nodeFolder
	nodeMessage
	nodeLocal
	nodeFull
)

// hidden says that a node has no name in its directory.
func (r *record) hidden() bool { return r.Message != nil && r.Message.FAI }

// listed says that a node is an entry of its parent.
func (r *record) listed() bool { return r.Parent != 0 && !r.hidden() }

// key returns the key under which the record is stored.
func (r *record) key() []byte {
	if r.listed() {
		return keyName(spaceDentry, uint64(r.Parent), r.Name)
	}
	return key2(spaceHidden, uint64(r.Parent), uint64(r.Num))
}

func (r *record) isDir() bool { return r.Kind == KindFolder || r.Kind == KindDir }

// bits packs truth values, the first into the lowest bit.
func bits(set ...bool) (b uint8) {
	for i, s := range set {
		if s {
			b |= 1 << i
		}
	}
	return b
}

func (c contentRef) encode(e *enc) {
	e.uv(c.id)
	e.uv(uint64(len(c.blobs)))
	for _, b := range c.blobs {
		e.uv(uint64(b))
	}
}

func (c *contentRef) decode(d *dec) {
	c.id = d.uv()
	if n := d.count(1); n > 0 {
		c.blobs = make([]BlobID, n)
		for i := range c.blobs {
			c.blobs[i] = BlobID(d.uv())
		}
	}
}

func (r *record) encode() ([]byte, error) {
	e := &enc{b: make([]byte, 0, 256)}
	e.u8(nodeFormat)
	e.u8(bits(r.Exact, r.Folder != nil, r.Message != nil, r.local, r.full))
	e.u8(uint8(r.Kind))
	e.uv(uint64(r.Num))
	if !r.listed() {
		e.str(r.Name)
	}
	e.iv(r.Size)
	e.time(r.Mtime)
	e.time(r.Ctime)
	e.time(r.Btime)
	e.time(r.Atime)
	e.uv(uint64(r.Mode))
	e.uv(r.Version)
	e.uv(r.Gen)
	e.str(r.Target)
	e.uv(uint64(r.Content))
	r.content.encode(e)
	e.uv(uint64(r.home))
	sorted(e, r.Xattrs, e.bytes)
	if r.Folder != nil {
		if err := encodeFolder(e, r.Folder); err != nil {
			return nil, err
		}
	}
	if r.Message != nil {
		encodeMessageInfo(e, r.Message)
	}
	return e.b, nil
}

// decodeRecord reads the record stored under k.
func decodeRecord(k []byte, v string) (*record, error) {
	d := &dec{s: v}
	r := &record{}
	d.format(nodeFormat)
	flags := d.u8()
	r.Exact, r.local, r.full = flags&nodeExact != 0, flags&nodeLocal != 0, flags&nodeFull != 0
	r.Kind = Kind(d.u8())
	r.Num = Num(d.uv())
	r.Parent = Num(keyHead(k))
	if k[0] == spaceDentry {
		r.Name = string(k[9:])
	} else {
		r.Name = d.str()
	}
	r.Size = d.iv()
	r.Mtime, r.Ctime, r.Btime, r.Atime = d.time(), d.time(), d.time(), d.time()
	r.Mode = uint32(d.uv())
	r.Version = d.uv()
	r.Gen = d.uv()
	r.Target = d.str()
	r.Content = BlobID(d.uv())
	r.content.decode(d)
	r.home = Num(d.uv())
	if n := d.count(2); n > 0 {
		r.Xattrs = make(map[string][]byte, n)
		for range n {
			name := d.str()
			r.Xattrs[name] = d.bytes()
		}
	}
	if flags&nodeFolder != 0 {
		r.Folder = decodeFolder(d)
	}
	if flags&nodeMessage != 0 {
		r.Message = decodeMessageInfo(d)
	}
	return r, d.end()
}

func encodeFolder(e *enc, f *FolderInfo) error {
	e.str(string(f.SourceKey))
	e.str(string(f.ChangeKey))
	e.pcl(f.PCL)
	e.str(f.DisplayName)
	e.str(f.Class)
	e.u8(uint8(f.Special))
	e.bool(f.Hidden)
	e.bool(f.ReadOnly)
	e.str(f.Keep)
	e.iv(int64(f.Unread))
	e.changeError(f.Error)
	return encodeBag(e, f.Properties)
}

func decodeFolder(d *dec) *FolderInfo {
	f := &FolderInfo{}
	f.SourceKey = mapi.SourceKey(d.str())
	f.ChangeKey = mapi.ChangeKey(d.str())
	f.PCL = d.pcl()
	f.DisplayName = d.str()
	f.Class = d.str()
	f.Special = Special(d.u8())
	f.Hidden = d.bool()
	f.ReadOnly = d.bool()
	f.Keep = d.str()
	f.Unread = int(d.iv())
	f.Error = d.changeError()
	f.Properties = decodeBag(d)
	return f
}

// The bits of a message's flag byte, in the order of bits.
const (
	infoFAI = 1 << iota
	infoRead
	infoEdited
	infoConflict
	infoError
)

func encodeMessageInfo(e *enc, m *MessageInfo) {
	e.u8(bits(m.FAI, m.Read, m.Edited, m.Conflict, m.Error != nil))
	e.u8(uint8(m.State))
	e.str(string(m.SourceKey))
	e.str(string(m.ChangeKey))
	e.pcl(m.PCL)
	e.iv(int64(m.Flag))
	e.iv(int64(m.Importance))
	e.str(m.Class)
	e.uv(uint64(len(m.Categories)))
	for _, c := range m.Categories {
		e.str(c)
	}
	e.str(m.Subject)
	e.str(m.From)
	e.str(m.Sender)
	e.str(m.MessageID)
	e.bytes(m.SearchKey)
	e.iv(m.ServerSize)
	e.u64(uint64(m.Delivered))
	e.u64(uint64(m.Modified))
	e.iv(int64(m.Renderer))
	if m.Error != nil {
		e.changeError(m.Error)
	}
}

func decodeMessageInfo(d *dec) *MessageInfo {
	m := &MessageInfo{}
	flags := d.u8()
	m.FAI, m.Read, m.Edited, m.Conflict = flags&infoFAI != 0, flags&infoRead != 0, flags&infoEdited != 0, flags&infoConflict != 0
	m.State = MessageState(d.u8())
	m.SourceKey = mapi.SourceKey(d.str())
	m.ChangeKey = mapi.ChangeKey(d.str())
	m.PCL = d.pcl()
	m.Flag = int32(d.iv())
	m.Importance = int32(d.iv())
	m.Class = d.str()
	if n := d.count(1); n > 0 {
		m.Categories = make([]string, n)
		for i := range m.Categories {
			m.Categories[i] = d.str()
		}
	}
	m.Subject = d.str()
	m.From = d.str()
	m.Sender = d.str()
	m.MessageID = d.str()
	if p := d.bytes(); len(p) > 0 {
		m.SearchKey = p
	}
	m.ServerSize = d.iv()
	m.Delivered = mapi.FileTime(d.u64())
	m.Modified = mapi.FileTime(d.u64())
	m.Renderer = int(d.iv())
	if flags&infoError != 0 {
		m.Error = d.changeError()
	}
	return m
}
