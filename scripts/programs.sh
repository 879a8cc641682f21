#!/bin/sh
# Installs the programs that `make test-programs` drives over a mount. Nothing happens when all are here.
set -eu

# What must be there, as command:package, and as file:package where a program is not on the PATH.
programs='
	vim:vim emacs:emacs-nox nano:nano ed:ed sed:sed perl:perl python3:python3
	rsync:rsync patch:patch tar:tar zip:zip unzip:unzip git:git expect:expect mutt:mutt
	soffice:libreoffice-writer-nogui gio:libglib2.0-bin setfattr:attr file:file xdg-mime:xdg-utils
	updatedb:plocate recollindex:recollcmd tracker3:tracker gsettings:libglib2.0-bin dbus-run-session:dbus
	/usr/lib/python3/dist-packages/uno.py:python3-uno
	/usr/libexec/tracker-miner-fs-3:tracker-miner-fs /usr/libexec/tracker-extract-3:tracker-extract
	gdk-pixbuf-thumbnailer:libgdk-pixbuf2.0-bin /usr/share/mime/magic:shared-mime-info
'
missing=
for pair in $programs; do
	command -v "${pair%%:*}" >/dev/null 2>&1 || [ -e "${pair%%:*}" ] || missing="$missing ${pair##*:}"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
	echo "These programs are needed, under the names of their Debian packages:$missing" >&2
	echo "There is no apt-get here: install them with your system's package manager, and run this again." >&2
	exit 1
fi
sudo=
if [ "$(id -u)" != 0 ]; then
	if ! command -v sudo >/dev/null 2>&1; then
		echo "These packages are needed, and only root can install them:$missing" >&2
		exit 1
	fi
	sudo=sudo
fi
echo "installing$missing ..."
install="$sudo env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 install -y -q --no-install-recommends"
$install $missing >/dev/null 2>&1 || { $sudo apt-get update -q >/dev/null && $install $missing >/dev/null; }
