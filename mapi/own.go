package mapi

// PSETIDMailfs is the property set of what mailfs itself keeps with items: parts of
// files that no property of the published sets can hold.
var PSETIDMailfs = MustGUID("5D1F3B52-6C0E-4B0B-9C57-8A2E1F6D7C41")
