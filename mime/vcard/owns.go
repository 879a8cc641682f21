package vcard

import (
	"slices"

	"mailfs/mapi"
)

// ownNames are the named properties that a card tells besides those of the tables.
var ownNames = []mapi.PropertyName{
	fileName, digestName, uidName, keywords, mapi.PidLidFileUnder, mapi.PidLidPostalAddressId, mapi.PidLidHtml, mapi.PidLidBirthdayLocal, mapi.PidLidWeddingAnniversaryLocal,
	mapi.PidLidHasPicture, mapi.PidLidAddressBookProviderEmailList, mapi.PidLidAddressBookProviderArrayType,
	mapi.PidLidDistributionListMembers, mapi.PidLidDistributionListOneOffMembers, mapi.PidLidDistributionListName, mapi.PidLidDistributionListChecksum,
}

var ownTags = []mapi.PropertyTag{
	mapi.PidTagMessageClass, mapi.PidTagDisplayName, mapi.PidTagSubject, mapi.PidTagSubjectPrefix, mapi.PidTagNormalizedSubject, mapi.PidTagSensitivity,
	mapi.PidTagSurname, mapi.PidTagGivenName, mapi.PidTagMiddleName, mapi.PidTagDisplayNamePrefix, mapi.PidTagGeneration, mapi.PidTagCompanyName, mapi.PidTagDepartmentName,
	mapi.PidTagBusinessHomePage, mapi.PidTagPersonalHomePage, mapi.PidTagBirthday, mapi.PidTagWeddingAnniversary, mapi.PidTagGender, mapi.PidTagUserX509Certificate, mapi.PidTagIconIndex,
}

// Owns reports whether a card tells a property, so that one which a new version of the
// file does not give is gone.
func Owns(p mapi.Property) bool {
	has := func(f field) bool {
		if f.tag == 0 {
			return p.Name == f.name
		}
		return p.Name.IsZero() && p.Tag.ID() == f.tag.ID()
	}
	for _, f := range plain {
		if has(field{f.tag, f.name}) {
			return true
		}
	}
	for _, ph := range phones {
		if has(field{tag: ph.tag}) {
			return true
		}
	}
	for _, pl := range places {
		if slices.ContainsFunc(pl.parts[:], has) || p.Name == pl.whole {
			return true
		}
	}
	for _, e := range emails {
		if slices.Contains([]mapi.PropertyName{e.display, e.typ, e.addr, e.original, e.entryID}, p.Name) {
			return true
		}
	}
	if !p.Name.IsZero() {
		return slices.Contains(ownNames, p.Name)
	}
	return slices.ContainsFunc(ownTags, func(t mapi.PropertyTag) bool { return t.ID() == p.Tag.ID() })
}
