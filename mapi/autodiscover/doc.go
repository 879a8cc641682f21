// Package autodiscover finds the MAPI/HTTP endpoint and the distinguished name of a
// mailbox from its mail address: the plain-XML (POX) form of [MS-OXDSCLI].
//
// Discover asks the candidate URLs of the address's domain in the order in which
// they are tried by other clients, or one named server only. The codecs of request
// and response work in both directions, so that a server can answer with them.
//
// Credentials go over TLS only, except to a loopback address (or anywhere, when that
// is allowed explicitly). Hosts that were found by means that an attacker on the
// network can forge (a redirect of plain http, a DNS record) get them only if they
// belong to the domain of the address, or if Config.Trust says so.
package autodiscover
