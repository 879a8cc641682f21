package fs

import (
	"bytes"
	"fmt"

	"mailfs/replica"
)

// associatedList names the folder associated messages ([MS-OXCMSG] 1.1): what programs keep with a folder, such as views,
// rules and settings. They are part of the replica but no mail, so that no directory shows them. One per line, tab
// separated: folder, message class, subject, source key.
func (t *tree) associatedList() ([]byte, error) {
	var b bytes.Buffer
	err := t.r.View(func(v *replica.View) error { return listAssociated(v, &b, replica.RootNum, ".") })
	return b.Bytes(), err
}

func listAssociated(v *replica.View, b *bytes.Buffer, folder replica.Num, path string) error {
	for n, err := range v.Hidden(folder) {
		if err != nil {
			return err
		}
		m := n.Message
		fmt.Fprintf(b, "%s\t%s\t%s\t%s\n", plainName(path), plainName(m.Class), plainName(m.Subject), m.SourceKey)
	}
	for n, err := range v.Children(folder, "") {
		if err != nil {
			return err
		}
		if n.Kind != replica.KindFolder {
			continue
		}
		at := n.Name
		if path != "." {
			at = path + "/" + n.Name
		}
		if err := listAssociated(v, b, n.Num, at); err != nil {
			return err
		}
	}
	return nil
}
