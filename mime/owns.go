package mime

import (
	"slices"

	"mailfs/mapi"
	"mailfs/mime/ical"
	"mailfs/mime/vcard"
)

// bodyTags are the properties of the text of an item.
var bodyTags = []mapi.PropertyTag{
	mapi.PidTagBody, mapi.PidTagHtml, mapi.PidTagRtfCompressed, mapi.PidTagRtfInSync, mapi.PidTagNativeBody, mapi.PidTagInternetCodepage,
}

// Owns reports whether files of a form tell a property, so that one which a new version
// of the file does not give is gone. All other properties of the earlier version stay
// when a file is edited; for messages that goes for named properties only, since the
// other properties of a message are those of its header and body, or the store's.
func Owns(ext string, p mapi.Property) bool {
	own := func(tags []mapi.PropertyTag) bool {
		return p.Name.IsZero() && slices.ContainsFunc(tags, func(t mapi.PropertyTag) bool { return t.ID() == p.Tag.ID() })
	}
	switch ext {
	case ExtCalendar:
		if own(bodyTags) || ical.Owns(p) {
			return true
		}
		return slices.ContainsFunc(messageGroups, func(g addressGroup) bool { return own(g.tags()) })
	case ExtContact:
		return own(bodyTags) || vcard.Owns(p)
	}
	return p.Name.IsZero() || p.Name.Set == mapi.PSInternetHeaders || p.Name.Set == mapi.PSETIDMailfs
}

func (g addressGroup) tags() []mapi.PropertyTag {
	return []mapi.PropertyTag{g.name, g.typ, g.email, g.smtp, g.entryID, g.searchKey}
}
