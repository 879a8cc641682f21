package fs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
)

// volumeOptions are the mount options by which macOS shows a volume.
func (o Options) volumeOptions() []string {
	if runtime.GOOS != "darwin" {
		return nil
	}
	return o.macVolume()
}

func (o Options) macVolume() []string {
	name := o.VolumeName
	if name == "" {
		name = o.User
	}
	if name == "" {
		return nil
	}
	return []string{"volname=" + plainName(name)}
}

// The Finder takes a volume's picture from this file, if the attribute of the root says that it has one of its own.
const (
	iconFile       = ".VolumeIcon.icns"
	finderInfo     = userSpace + "com.apple.FinderInfo"
	finderInfoSize = 32
	finderFlags    = 8    // offset of the flags, big-endian
	hasCustomIcon  = 0x04 // of their upper byte
)

// placeIcon puts a picture into the root, which is a local file as any other that the Finder makes.
func (t *tree) placeIcon(file string) error {
	p, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("fs: the icon of the volume: %w", err)
	}
	_, h, err := t.createFile(context.Background(), rootID, iconFile, syscall.O_WRONLY|syscall.O_CREAT|syscall.O_TRUNC, fileMode, 0)
	if err != nil {
		return fmt.Errorf("fs: the icon of the volume: %w", err)
	}
	_, err = h.writeAt(p, 0, false)
	err = errors.Join(err, h.flush(true))
	t.release(h)
	info, have := t.getxattr(rootID, finderInfo)
	if have != nil || len(info) != finderInfoSize {
		info = make([]byte, finderInfoSize)
	}
	info[finderFlags] |= hasCustomIcon
	return errors.Join(err, t.setxattr(rootID, finderInfo, info, 0))
}
