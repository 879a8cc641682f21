package mapi

import (
	"fmt"

	"mailfs/mapi/wire"
)

// EntryID is a permanent identifier of an object ([MS-OXCDATA] 2.2.4): one of the
// *EntryID types of this package.
type EntryID interface {
	// Bytes returns the wire form.
	Bytes() []byte
}

// EntryFlags are the first four bytes of an entry id; 0 for one that may be stored.
type EntryFlags [4]byte

// The provider UIDs that tell the kinds of entry id apart ([MS-OXCDATA] 2.2.5).
var (
	providerAddressBook = MustGUID("C840A7DC-42C0-1A10-B4B9-08002B2FE182")
	providerOneOff      = MustGUID("A41F2B81-A3BE-1910-9D6E-00DD010F5402")
	providerStore       = MustGUID("10BBA138-E505-1A10-A1BB-08002B2A56C2")
	providerContact     = MustGUID("0AAA42FE-C718-101A-E885-0B651C240000")

	// WrappedPrivateStore and WrappedPublicStore are the values of
	// StoreEntryID.WrappedProvider ([MS-OXCDATA] 2.2.4.3).
	WrappedPrivateStore = MustGUID("20FA551B-66AA-CD11-9BC8-00AA002FC45A")
	WrappedPublicStore  = MustGUID("1002831C-66AA-CD11-9BC8-00AA002FC45A")

	// ProviderPublicFolder is the provider of folders and messages in public stores
	// ([MS-OXCDATA] 2.2.4.1); those of a mailbox have the mailbox's own GUID.
	ProviderPublicFolder = MustGUID("9073441A-66AA-CD11-9BC8-00AA002FC45A")
)

// ObjectType is the kind of object of a folder or message entry id ([MS-OXCDATA] 2.2.4).
type ObjectType uint16

// The object types.
const (
	ObjectPrivateFolder  ObjectType = 0x0001
	ObjectPublicFolder   ObjectType = 0x0003
	ObjectMappedFolder   ObjectType = 0x0005 // public folder of another organization
	ObjectPrivateMessage ObjectType = 0x0007
	ObjectPublicMessage  ObjectType = 0x0009
	ObjectMappedMessage  ObjectType = 0x000B
)

// FolderEntryID identifies a folder ([MS-OXCDATA] 2.2.4.1).
type FolderEntryID struct {
	Flags    EntryFlags
	Provider GUID // the mailbox GUID of RopLogon, or ProviderPublicFolder
	Type     ObjectType
	Folder   LongTermID
}

// MessageEntryID identifies a message ([MS-OXCDATA] 2.2.4.2).
type MessageEntryID struct {
	Flags    EntryFlags
	Provider GUID
	Type     ObjectType
	Folder   LongTermID
	Message  LongTermID
}

// StoreEntryID identifies a mailbox or public store ([MS-OXCDATA] 2.2.4.3).
type StoreEntryID struct {
	Flags           EntryFlags
	Version, Flag   uint8
	DLL             string // 14 bytes at most; "emsmdb.dll" in any case of letters
	WrappedFlags    EntryFlags
	WrappedProvider GUID
	WrappedType     uint32 // 0x0C private, 0x06 public
	Server          string // 8-bit, short name
	MailboxDN       string // 8-bit, "" for a public store
	Extra           []byte // extension blocks behind the parts above, undecoded
}

// AddressBookType is the kind of object of an AddressBookEntryID
// ([MS-OXCDATA] 2.2.5.2).
type AddressBookType uint32

// The kinds of address book object.
const (
	AddressBookUser        AddressBookType = 0x00000000
	AddressBookList        AddressBookType = 0x00000001
	AddressBookForum       AddressBookType = 0x00000002
	AddressBookAgent       AddressBookType = 0x00000003
	AddressBookOrg         AddressBookType = 0x00000004
	AddressBookPrivateList AddressBookType = 0x00000005
	AddressBookRemote      AddressBookType = 0x00000006
	AddressBookContainer   AddressBookType = 0x00000100
	AddressBookTemplate    AddressBookType = 0x00000101
	AddressBookOneOff      AddressBookType = 0x00000102
	AddressBookSearch      AddressBookType = 0x00000200
)

// AddressBookEntryID identifies an object of the server's address book by its DN
// ([MS-OXCDATA] 2.2.5.2).
type AddressBookEntryID struct {
	Flags   EntryFlags
	Version uint32 // 1
	Type    AddressBookType
	X500DN  string // 8-bit
	Extra   []byte // bytes behind the DN, nil as a rule
}

// OneOffEntryID holds a recipient that is in no address book
// ([MS-OXCDATA] 2.2.5.1).
type OneOffEntryID struct {
	Flags       EntryFlags
	Version     uint16 // 0
	Bits        uint16
	DisplayName string // 8-bit, undecoded, without OneOffUnicode
	AddressType string // likewise
	Email       string // likewise
}

// The bits of OneOffEntryID.Bits, as a little-endian number ([MS-OXCDATA] 2.2.5.1).
const (
	OneOffNoRichInfo uint16 = 0x0001
	OneOffNoLookup   uint16 = 0x1000
	OneOffUnicode    uint16 = 0x8000
)

// ContactEntryID identifies an address of a contact ([MS-OXCDATA] 2.2.5.3).
type ContactEntryID struct {
	Flags   EntryFlags
	Version uint32 // 3
	Type    uint32 // 4 contact, 5 personal distribution list
	Index   uint32 // which address of the contact; 255 for a distribution list
	Contact []byte // entry id of the contact
	Extra   []byte // bytes behind it, nil as a rule
}

// UnknownEntryID is an entry id of another kind, undecoded.
type UnknownEntryID []byte

// NewFolderEntryID returns the entry id of a folder in the mailbox whose GUID
// RopLogon gave.
func NewFolderEntryID(mailbox GUID, folder LongTermID) *FolderEntryID {
	return &FolderEntryID{Provider: mailbox, Type: ObjectPrivateFolder, Folder: folder}
}

// NewMessageEntryID returns the entry id of a message in the mailbox whose GUID
// RopLogon gave.
func NewMessageEntryID(mailbox GUID, folder, message LongTermID) *MessageEntryID {
	return &MessageEntryID{Provider: mailbox, Type: ObjectPrivateMessage, Folder: folder, Message: message}
}

// NewAddressBookEntryID returns the entry id of a user with the given DN.
func NewAddressBookEntryID(dn string) *AddressBookEntryID {
	return &AddressBookEntryID{Version: 1, Type: AddressBookUser, X500DN: dn}
}

// NewOneOffEntryID returns a Unicode one-off entry id.
func NewOneOffEntryID(name, addressType, email string) *OneOffEntryID {
	return &OneOffEntryID{Bits: OneOffUnicode | OneOffNoRichInfo, DisplayName: name, AddressType: addressType, Email: email}
}

// ParseEntryID reads an entry id. Kinds are told apart by the provider, and folders
// and messages by type and length, because each mailbox is its own provider. What is
// of no known kind becomes an UnknownEntryID; an error means that a known kind is
// malformed or that fewer than 20 bytes are there.
func ParseEntryID(p []byte) (EntryID, error) {
	r := wire.NewReader(p)
	var flags EntryFlags
	copy(flags[:], r.Take(4))
	provider := GUID(r.GUID())
	if r.Err() != nil {
		return nil, fmt.Errorf("mapi: entry id of %d bytes: %w", len(p), r.Err())
	}
	var id EntryID
	switch provider {
	case providerAddressBook:
		id = readAddressBook(r, flags)
	case providerOneOff:
		id = readOneOff(r, flags)
	case providerStore:
		id = readStore(r, flags)
	case providerContact:
		id = readContact(r, flags)
	default:
		id = readObject(r, flags, provider)
	}
	if id == nil {
		return UnknownEntryID(append([]byte(nil), p...)), nil
	}
	if err := r.Close(); err != nil {
		return nil, fmt.Errorf("mapi: entry id: %w", err)
	}
	return id, nil
}

// readObject returns nil if the rest is neither a folder nor a message.
func readObject(r *wire.Reader, flags EntryFlags, provider GUID) EntryID {
	const folderSize, messageSize = 2 + 24, 2 + 24 + 24
	n := r.Len()
	if n != folderSize && n != messageSize {
		return nil
	}
	t := ObjectType(r.Uint16())
	switch t {
	case ObjectPrivateFolder, ObjectPublicFolder, ObjectMappedFolder:
		if n == folderSize {
			return &FolderEntryID{flags, provider, t, ReadLongTermID(r)}
		}
	case ObjectPrivateMessage, ObjectPublicMessage, ObjectMappedMessage:
		if n == messageSize {
			return &MessageEntryID{flags, provider, t, ReadLongTermID(r), ReadLongTermID(r)}
		}
	}
	return nil
}

// Bytes returns the wire form.
func (id *FolderEntryID) Bytes() []byte {
	b := startEntryID(id.Flags, id.Provider)
	b.Uint16(uint16(id.Type))
	id.Folder.Append(b)
	return b.Bytes()
}

// Bytes returns the wire form.
func (id *MessageEntryID) Bytes() []byte {
	b := startEntryID(id.Flags, id.Provider)
	b.Uint16(uint16(id.Type))
	id.Folder.Append(b)
	id.Message.Append(b)
	return b.Bytes()
}

func startEntryID(flags EntryFlags, provider GUID) *wire.Builder {
	b := new(wire.Builder)
	b.Raw(flags[:])
	b.GUID(provider)
	return b
}

func readAddressBook(r *wire.Reader, flags EntryFlags) EntryID {
	id := &AddressBookEntryID{Flags: flags, Version: r.Uint32(), Type: AddressBookType(r.Uint32()), X500DN: r.CString()}
	id.Extra = readExtra(r)
	return id
}

// readExtra returns a copy of what is left, nil for nothing.
func readExtra(r *wire.Reader) []byte {
	if r.Len() == 0 {
		return nil
	}
	return r.Bytes(r.Len())
}

// Bytes returns the wire form.
func (id *AddressBookEntryID) Bytes() []byte {
	b := startEntryID(id.Flags, providerAddressBook)
	b.Uint32(id.Version)
	b.Uint32(uint32(id.Type))
	b.CString(id.X500DN)
	b.Raw(id.Extra)
	return b.Bytes()
}

func readOneOff(r *wire.Reader, flags EntryFlags) EntryID {
	id := &OneOffEntryID{Flags: flags, Version: r.Uint16(), Bits: r.Uint16()}
	text := r.CString
	if id.Bits&OneOffUnicode != 0 {
		text = r.WString
	}
	id.DisplayName, id.AddressType, id.Email = text(), text(), text()
	return id
}

// Bytes returns the wire form.
func (id *OneOffEntryID) Bytes() []byte {
	b := startEntryID(id.Flags, providerOneOff)
	b.Uint16(id.Version)
	b.Uint16(id.Bits)
	for _, s := range []string{id.DisplayName, id.AddressType, id.Email} {
		if id.Bits&OneOffUnicode != 0 {
			b.WString(s)
		} else {
			b.CString(s)
		}
	}
	return b.Bytes()
}

// storeDLLSize is the length of the DLL name with its padding
// ([MS-OXCDATA] 2.2.4.3).
const storeDLLSize = 14

// readStore returns nil for a store of another provider, for example a local file,
// whose wrapped part has no common form.
func readStore(r *wire.Reader, flags EntryFlags) EntryID {
	id := &StoreEntryID{Flags: flags, Version: r.Uint8(), Flag: r.Uint8()}
	id.DLL = trimZero(string(r.Take(storeDLLSize)))
	copy(id.WrappedFlags[:], r.Take(4))
	id.WrappedProvider = r.GUID()
	if r.Err() == nil && id.WrappedProvider != WrappedPrivateStore && id.WrappedProvider != WrappedPublicStore {
		return nil
	}
	id.WrappedType = r.Uint32()
	id.Server = r.CString()
	if first := r.Peek(1); first != nil && first[0] == '/' {
		id.MailboxDN = r.CString()
	}
	id.Extra = readExtra(r)
	return id
}

// Bytes returns the wire form.
func (id *StoreEntryID) Bytes() []byte {
	b := startEntryID(id.Flags, providerStore)
	b.Uint8(id.Version)
	b.Uint8(id.Flag)
	var dll [storeDLLSize]byte
	copy(dll[:], id.DLL)
	b.Raw(dll[:])
	b.Raw(id.WrappedFlags[:])
	b.GUID(id.WrappedProvider)
	b.Uint32(id.WrappedType)
	b.CString(id.Server)
	if id.MailboxDN != "" {
		b.CString(id.MailboxDN)
	}
	b.Raw(id.Extra)
	return b.Bytes()
}

func readContact(r *wire.Reader, flags EntryFlags) EntryID {
	id := &ContactEntryID{Flags: flags, Version: r.Uint32(), Type: r.Uint32(), Index: r.Uint32()}
	id.Contact = r.Bytes(r.Count(uint64(r.Uint32()), 1))
	id.Extra = readExtra(r)
	return id
}

// Bytes returns the wire form.
func (id *ContactEntryID) Bytes() []byte {
	b := startEntryID(id.Flags, providerContact)
	b.Uint32(id.Version)
	b.Uint32(id.Type)
	b.Uint32(id.Index)
	b.Uint32(uint32(len(id.Contact)))
	b.Raw(id.Contact)
	b.Raw(id.Extra)
	return b.Bytes()
}

// Bytes returns the wire form.
func (id UnknownEntryID) Bytes() []byte { return []byte(id) }
