package main

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"mailfs/fs"
	"mailfs/internal/names"
	"mailfs/mapi"
	"mailfs/replica"
	"mailfs/syncer"
)

// failures are the files of .mailfs/failures/: one for each item that the server could not deliver.
func (m *mounted) failures() (out []fs.Failure, err error) {
	list, err := m.sync.Failures()
	if err != nil {
		return nil, err
	}
	err = m.rep.View(func(v *replica.View) error {
		out = out[:0]
		taken := map[string]int{}
		for _, f := range list {
			one := failureFile(v, f)
			if taken[one.Name]++; taken[one.Name] > 1 {
				one.Name = fmt.Sprintf("%s.%d.txt", strings.TrimSuffix(one.Name, ".txt"), taken[one.Name])
			}
			out = append(out, one)
		}
		return nil
	})
	return out, err
}

// failureFile tells of one item: where it is, what happened, when, and what to do.
func failureFile(v *replica.View, f syncer.Failure) fs.Failure {
	folder, path := folderOf(v, f.Folder)
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-10s %s\n", name+":", fmt.Sprintf(format, args...))
	}
	line("Folder", "%s", path)
	key := f.Message
	switch {
	case f.Message == "":
		key = f.Folder
		line("Item", "the folder itself (source key %s)", f.Folder)
		line("What", "The server could not deliver this folder.")
	case f.Was != "":
		line("Item", "%s (source key %s)", messageOf(v, f.Message), f.Message)
		line("What", "The server could not deliver a newer version of this message. An older one is here.")
	case f.Body:
		line("Item", "%s (source key %s)", messageOf(v, f.Message), f.Message)
		line("What", "The server could not deliver the content of this message. Its header is here.")
	default:
		line("Item", "a message that is not here (source key %s)", f.Message)
		line("What", "The server could not deliver this message. The rest of the folder is not concerned.")
	}
	line("Reason", "%s (0x%08X)", f.Reason, f.Code)
	line("First", "%s", f.At.Local().Format(time.DateTime))
	line("Last", "%s, tries: %d", f.Last.Local().Format(time.DateTime), f.Tries)
	line("Next", "not before %s", f.Next().Local().Format(time.DateTime))
	b.WriteString("\nNothing has to be done: the server is asked again from time to time, and this file goes away when the item\n" +
		"arrives or is deleted. If it stays, open the item with another program (Outlook, or the server's web page) and save\n" +
		"or move it; if that fails as well, the mailbox is damaged there: show this file to the server's administrator.\n")
	const longest = 200 // bytes of the folder's name in that of a file
	folder = strings.ToValidUTF8(folder[:min(len(folder), longest)], "")
	return fs.Failure{Name: folder + "." + names.ShortID(keyOf(key)) + ".txt", Text: b.String(), At: f.Last}
}

func keyOf(text string) mapi.SourceKey {
	b, err := hex.DecodeString(text)
	if err != nil {
		return mapi.SourceKey(text)
	}
	return mapi.SourceKey(b)
}

// folderOf returns the name and the path of a folder, or what is known of one that is not here.
func folderOf(v *replica.View, key string) (name, path string) {
	n, err := v.BySourceKey(keyOf(key))
	if err != nil || n.Folder == nil {
		return "folder", "a folder that is not here (source key " + key + ")"
	}
	for at := n; at.Num != replica.RootNum; {
		path = at.Name + "/" + path
		up, err := v.Node(at.Parent)
		if err != nil {
			break
		}
		at = up
	}
	if path == "" {
		return "mailbox", "/"
	}
	return n.Name, strings.TrimSuffix(path, "/")
}

// messageOf returns the file name of a message that is here.
func messageOf(v *replica.View, key string) string {
	if n, err := v.BySourceKey(keyOf(key)); err == nil {
		return n.Name
	}
	return "a message"
}
