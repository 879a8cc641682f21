package mime

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mailfs/mapi"
)

func TestSummarize(t *testing.T) {
	var b mapi.PropertyBag
	if diff := cmp.Diff(Summary{Flag: FlagNone, Importance: 1, Size: 1}, Summarize(b)); diff != "" {
		t.Error(diff)
	}
	at := time.Date(2026, 11, 20, 8, 15, 0, 0, time.UTC)
	representingGroup.write(&b, Address{"Anna", "anna@example.test"})
	senderGroup.write(&b, Address{"", "office@example.test"})
	b.Set(mapi.PidTagSubjectPrefix, "Re: ")
	b.Set(mapi.PidTagNormalizedSubject, "x")
	b.Set(mapi.PidTagMessageDeliveryTime, mapi.NewFileTime(at))
	b.Set(mapi.PidTagInternetMessageId, "<1@x>")
	b.Set(mapi.PidTagMessageClass, "IPM.Note")
	b.Set(mapi.PidTagMessageFlags, int32(0x11))
	b.Set(mapi.PidTagFlagStatus, int32(2))
	b.Set(mapi.PidTagImportance, int32(2))
	b.Set(mapi.PidTagMessageSize, int32(-1))
	b.SetNamed(keywordsName, mapi.TypeMultiString, []string{"A", "B"})
	want := Summary{Subject: "Re: x", From: "Anna <anna@example.test>", Sender: "office@example.test", Date: at, MessageID: "<1@x>",
		Class: "IPM.Note", Read: true, Flag: FlagFlagged, Importance: 2, Categories: []string{"A", "B"}, HasAttachments: true, Size: 1<<32 - 1}
	if diff := cmp.Diff(want, Summarize(b)); diff != "" {
		t.Error(diff)
	}
}
