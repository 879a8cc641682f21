package fxics

import (
	"bytes"
	"testing"

	"mailfs/mapi"
)

func FuzzDecode(f *testing.F) {
	for _, name := range []string{"09-alpha-second", "06-kind-emptybody", "08-hier-after-oldstate", "08-2025-state-after", "06-copyto-embedded", "03-empty"} {
		s := recording(f, name)
		f.Add(uint8(s.root(f)), s.data)
	}
	f.Add(uint8(RootContentsSync), raw(f, IncrSyncGroupInfo, prop(tagStructure, []byte{1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0}),
		prop(mapi.MetaTagIncrSyncGroupId, int32(1)), IncrSyncChgPartial, header(1), prop(mapi.MetaTagIncrementalSyncMessagePartial, int32(0)),
		prop(tagNumber, int32(0)), FXErrorInfo, prop(tagStructure, (&ErrorInfo{}).bytes()), stateTokens(f)))
	f.Add(uint8(RootTopFolder), raw(f, StartTopFld, prop(mapi.MetaTagNewFXFolder, []byte{1}), StartSubFld, StartFAIMsg, EndMessage, EndFolder, EndFolder))
	f.Add(uint8(RootAttachmentContent), raw(f, prop(mapi.PidTagAttachNumber, int32(0)), StartEmbed, prop(0x800184E4, mapi.String8("x")), EndEmbed))
	f.Fuzz(func(t *testing.T, root uint8, p []byte) {
		var s Splitter
		for rest := p; len(rest) > 0; {
			n := s.Cut(rest, 40)
			if n < 0 || n > 40 {
				t.Fatalf("cut by %d", n)
			}
			if n == 0 {
				break
			}
			rest = rest[n:]
		}
		first, err := decodeAll(bytes.NewReader(p), Root(root), nil)
		if err != nil {
			return
		}
		q, err := encodeAll(Root(root), first)
		if err != nil {
			return // repeated or disordered elements are read but not written
		}
		second, err := decodeAll(bytes.NewReader(q), Root(root), nil)
		if err != nil {
			t.Fatalf("%x encodes as %x: %v", p, q, err)
		}
		r, err := encodeAll(Root(root), second)
		if err != nil || !bytes.Equal(r, q) {
			t.Fatalf("%x encodes as %x and as %x, %v", p, q, r, err)
		}
	})
}
