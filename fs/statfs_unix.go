package fs

import "golang.org/x/sys/unix"

// diskSpace returns the figures of the disk that a directory is on.
func diskSpace(dir string) (space, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return space{}, err
	}
	scale := func(n uint64) uint64 { return n * uint64(st.Bsize) / statfsBlock }
	return space{blocks: scale(st.Blocks), free: scale(uint64(st.Bavail)), files: st.Files, filesFree: uint64(st.Ffree)}, nil
}
