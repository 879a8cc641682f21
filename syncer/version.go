package syncer

import "mailfs/mapi"

// What a server offers follows from its version ([MS-OXCSYNC] 1.7). Everything that depends on it is here; a server
// that does not tell its version is asked for nothing that not all have.

// partialSince is the first version that sends changes in part ([MS-OXCFXICS] 2.2.4.3.15).
var partialSince = mapi.ServerVersion{8}

// partialItems reports whether the server may be asked for changes in part.
func (i ServerInfo) partialItems() bool { return i.Version.AtLeast(partialSince) }
