package memserver

import (
	"fmt"
	"strings"
	"testing"

	"mailfs/mapi"
	"mailfs/mapi/fxics"
	"mailfs/mapi/rop"
)

// fillMany delivers n messages of about size bytes each, in folders of 1,000.
func fillMany(t testing.TB, m *Mailbox, n, size int) []mapi.FID {
	t.Helper()
	body := strings.Repeat("A line of some fifty characters, more or less so.\r\n", size/2/51)
	attachment := make([]byte, size/2)
	var folders []mapi.FID
	for i := range n {
		if i%1000 == 0 {
			folders = append(folders, m.CreateFolder("Many", fmt.Sprint(i/1000)))
		}
		msg := mail(fmt.Sprintf("message %d", i))
		msg.Properties.Set(mapi.PidTagBody, body)
		msg.Attachments = []mapi.Attachment{{Properties: mapi.PropertyBag{
			{Tag: mapi.PidTagAttachMethod, Value: int32(1)}, {Tag: mapi.PidTagAttachLongFilename, Value: "file.bin"},
			{Tag: mapi.PidTagAttachDataBinary, Value: attachment},
		}}}
		deliver(t, m, folders[len(folders)-1], msg)
	}
	return folders
}

// BenchmarkDownload downloads 10,000 messages of 20 KB, 200 MB in all.
func BenchmarkDownload(b *testing.B) {
	for _, overHTTP := range []bool{false, true} {
		b.Run(fmt.Sprintf("HTTP=%v", overHTTP), func(b *testing.B) {
			s, m := newServer(b, Config{})
			folders := fillMany(b, m, 10_000, 20_000)
			c := dial(b, s, m)
			if overHTTP {
				c, _ = dialHTTP(b, s, m, nil)
			}
			b.ResetTimer()
			b.ReportAllocs()
			for range b.N {
				total := 0
				for _, id := range folders {
					h := c.mustOpen(c.folder(id), &rop.SynchronizationConfigureRequest{
						SynchronizationType: rop.SyncContents, SendOptions: rop.SendUnicode | rop.SendForceUnicode, SynchronizationFlags: contentsFlags,
						SynchronizationExtraFlags: rop.SyncExtraEid | rop.SyncExtraCN,
					})
					c.upload(h, fxics.ICSState{}, true)
					total += len(c.fetch(h))
				}
				b.SetBytes(int64(total))
			}
		})
	}
}

// BenchmarkNothingNew synchronizes 10 folders of 1,000 messages in which nothing
// has changed.
func BenchmarkNothingNew(b *testing.B) {
	s, m := newServer(b, Config{})
	folders := fillMany(b, m, 10_000, 200)
	c := dial(b, s, m)
	states := map[mapi.FID]fxics.ICSState{}
	for _, id := range folders {
		states[id] = c.sync(id, fxics.ICSState{}, nil).state
	}
	b.ResetTimer()
	for range b.N {
		for _, id := range folders {
			if r := c.sync(id, states[id], nil); len(r.changes) != 0 {
				b.Fatal("changes")
			}
		}
	}
}
