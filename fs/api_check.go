package fs

import "github.com/hanwen/go-fuse/v2/fuse"

// What is implemented, checked when this package is compiled.
var (
	_ fuse.RawFileSystem = (*raw)(nil)
	_ kernel             = (*fuse.Server)(nil)

	_ content = memContent{}
	_ content = imageContent{}
	_ content = (*buffer)(nil)

	_ Clock = wallClock{}
)
