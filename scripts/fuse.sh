#!/bin/sh
# Makes sure that FUSE works on this machine: loads nothing and changes nothing when it does already.
set -eu

if [ "$(uname -s)" = Darwin ]; then
	if [ -d /Library/Filesystems/macfuse.fs ]; then exit 0; fi
	echo "mailfs needs macFUSE: install it with 'brew install --cask macfuse', allow its system extension, and run this again." >&2
	exit 1
fi

if [ ! -c /dev/fuse ]; then
	echo "mailfs needs /dev/fuse: load the kernel module with 'modprobe fuse', or pass the device into this container (--device /dev/fuse --cap-add SYS_ADMIN)." >&2
	exit 1
fi
# Root mounts without a helper.
if command -v fusermount3 >/dev/null 2>&1 || [ "$(id -u)" = 0 ]; then exit 0; fi

sudo=
if [ "$(id -u)" != 0 ]; then
	if ! command -v sudo >/dev/null 2>&1; then
		echo "mailfs needs fusermount3: ask an administrator to install the package fuse3." >&2
		exit 1
	fi
	sudo=sudo
fi
echo "installing fuse3 ..."
if command -v apt-get >/dev/null 2>&1; then $sudo apt-get install -y -q fuse3 || { $sudo apt-get update -q && $sudo apt-get install -y -q fuse3; }
elif command -v dnf >/dev/null 2>&1; then $sudo dnf install -y fuse3
elif command -v pacman >/dev/null 2>&1; then $sudo pacman -S --noconfirm fuse3
elif command -v apk >/dev/null 2>&1; then $sudo apk add fuse3
else
	echo "mailfs needs fusermount3: install your system's package fuse3." >&2
	exit 1
fi
