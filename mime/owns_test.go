package mime

import (
	"testing"

	"mailfs/mapi"
)

// TestOwns: what a file gives is the file's; what others keep with the item is not.
func TestOwns(t *testing.T) {
	// Set for other programs, and true whatever the file says.
	defaults := map[mapi.PropertyName]bool{mapi.PidLidSideEffects: true, mapi.PidLidTaskMode: true, mapi.PidLidTaskOwnership: true, mapi.PidLidTaskAcceptanceState: true,
		mapi.PidLidTaskHistory: true, mapi.PidLidTaskState: true, mapi.PidLidTaskFCreator: true, mapi.PidLidTeamTask: true, mapi.PidLidTaskOwner: true, mapi.PidLidTaskVersion: true}
	task := "BEGIN:VCALENDAR\nBEGIN:VTODO\nUID:1\nDTSTART:20260101\nDUE:20260102\nCOMPLETED:20260103T000000Z\nRRULE:FREQ=DAILY\nCATEGORIES:a\nBEGIN:VALARM\nTRIGGER:-PT1H\nEND:VALARM\nEND:VTODO\nEND:VCALENDAR\n"
	list := "BEGIN:VCARD\nKIND:group\nFN:x\nMEMBER:mailto:a@b\nEND:VCARD\n"
	for _, f := range []struct{ ext, text string }{{ExtCalendar, richEvent}, {ExtCalendar, task}, {ExtContact, richCard}, {ExtContact, list}} {
		for _, p := range parseItem(t, f.ext, f.text).Properties {
			if !Owns(f.ext, p) && !defaults[p.Name] && p.Tag != mapi.PidTagConversationTopic {
				t.Errorf("%s: %v %v is not the file's", f.ext, p.Tag, p.Name)
			}
		}
		for _, p := range []mapi.Property{{Tag: mapi.PidTagSearchKey}, {Tag: mapi.PidTagFlagStatus}, {Name: mapi.PidLidFlagRequest}, {Name: mapi.PidLidAppointmentColor}, {Name: mapi.LIDName(mapi.PSETIDAddress, 0x9999)}} {
			if Owns(f.ext, p) {
				t.Errorf("%s: %v %v is the file's", f.ext, p.Tag, p.Name)
			}
		}
	}
	if !Owns(ExtMessage, mapi.Property{Name: textParameters}) || Owns(ExtMessage, mapi.Property{Name: mapi.PidLidFlagRequest}) || !Owns(ExtMessage, mapi.Property{Tag: mapi.PidTagSubject}) {
		t.Error("messages")
	}
}
