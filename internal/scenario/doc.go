// Package scenario holds stories with several actors: users at their mounts, other
// people acting on the server, and networks that fail. It exists for its tests, which run the real
// program with real mounts.
package scenario
