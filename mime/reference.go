package mime

import "mailfs/mapi"

// reference renders an attachment that is only a path or an address
// ([MS-OXCMSG] 2.2.2.9, methods 2, 3, 4 and 7): a text with the link. It comes back as
// that text: mail from anywhere must not make attachments that lead to a file server.
func reference(bag props, name string) part {
	link := ""
	for _, tag := range []mapi.PropertyTag{mapi.PidTagAttachLongPathname, mapi.PidTagAttachPathname} {
		if link = bag.text(tag); link != "" {
			break
		}
	}
	p := textPart("plain", lfOf(link+"\n"), false)
	if name == "" {
		name = "link"
	}
	p.fields = []string{fold("Content-Disposition", append([]string{"attachment"}, param("filename", name+".txt")...))}
	return p
}
