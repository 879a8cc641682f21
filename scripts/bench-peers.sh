#!/usr/bin/env bash
# Measures mailfs beside its peers, all in one run on one machine:
#   1. a first synchronization of N messages with mailfs from `mailfs serve`, against
#      mbsync from Dovecot with the same messages;
#   2. find, ls -l and grep -r over the mount, against a static in-memory file system
#      of the same files with the same mount options.
# Root is needed for the mounts and for dropping the kernel's caches. N and SIZE come
# from the environment (10000 messages of 20000 bytes).
set -euo pipefail
cd "$(dirname "$0")/.."
N=${N:-10000} SIZE=${SIZE:-20000} RUNS=${RUNS:-3}
mailfs=$PWD/bin/mailfs
work=$(mktemp -d)
pids=()
mounts=()
cleanup() {
	for m in "${mounts[@]}"; do umount -l "$m" 2>/dev/null || true; done
	for p in "${pids[@]}"; do kill "$p" 2>/dev/null || true; done
	rm -rf "$work"
}
trap cleanup EXIT

need() { command -v "$1" >/dev/null || missing+=("$2"); }
missing=()
need dovecot dovecot-imapd
need mbsync isync
if [ ${#missing[@]} -gt 0 ]; then
	echo "installing ${missing[*]} ..."
	apt-get install -y -q --no-install-recommends "${missing[@]}" >/dev/null
fi

echo "making $N messages of $SIZE bytes ..."
"$mailfs" sample --count "$N" --size "$SIZE" "$work/maildir"
export XDG_RUNTIME_DIR=$work/run
mkdir -p "$XDG_RUNTIME_DIR" && chmod 700 "$XDG_RUNTIME_DIR"
echo secret >"$work/password"

# seconds prints the wall-clock seconds of a command.
seconds() {
	local t0 t1
	t0=$(date +%s.%N)
	"$@" >/dev/null
	t1=$(date +%s.%N)
	awk -v a="$t0" -v b="$t1" 'BEGIN { printf "%.3f\n", b - a }'
}
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }

# --- Dovecot and mbsync -------------------------------------------------------------
port=$(python3 -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])' 2>/dev/null || echo 41430)
id=$(id -un)
mkdir -p "$work/dovecot"
cp -r "$work/maildir" "$work/mail"
cat >"$work/dovecot.conf" <<CONF
base_dir = $work/dovecot
state_dir = $work/dovecot
log_path = $work/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
mail_location = maildir:$work/mail
first_valid_uid = 0
first_valid_gid = 0
mail_access_groups =
default_internal_user = $id
default_login_user = $id
default_internal_group = $(id -gn)
passdb {
  driver = static
  args = password=secret
}
userdb {
  driver = static
  args = uid=$(id -u) gid=$(id -g) home=$work
}
service imap-login {
  chroot =
  inet_listener imap {
    port = $port
  }
  inet_listener imaps {
    port = 0
  }
}
service anvil {
  chroot =
}
service stats {
  chroot =
}
CONF
dovecot -F -c "$work/dovecot.conf" &
pids+=($!)
cat >"$work/mbsyncrc" <<CONF
IMAPAccount peer
Host 127.0.0.1
Port $port
User alice
Pass secret
SSLType None
AuthMechs PLAIN

IMAPStore far
Account peer

MaildirStore near
Path $work/near/
Inbox $work/near/Inbox
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Near
SyncState *
CONF
for _ in $(seq 100); do (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break || sleep 0.1; done

mbsync_once() {
	rm -rf "$work/near" && mkdir -p "$work/near"
	sync
	seconds mbsync -q -c "$work/mbsyncrc" all
}

# --- mailfs ---------------------------------------------------------------------------
"$mailfs" serve --listen 127.0.0.1:0 --user alice@example.test:secret --import "$work/maildir" >"$work/serve.out" &
pids+=($!)
for _ in $(seq 600); do grep -q '^http' "$work/serve.out" && break || sleep 0.1; done
url=$(grep -m1 -o 'http://[^ ]*' "$work/serve.out")
flags=(--server "$url" --user alice@example.test --password-file "$work/password" --replica "$work/replica")
mailfs_once() {
	rm -rf "$work/replica"
	sync
	seconds /usr/bin/env "$mailfs" sync "${flags[@]}"
}

mbsync_once >/dev/null # once unmeasured: Dovecot builds its indexes
for i in $(seq "$RUNS"); do
	mbsync_once >>"$work/t.mbsync"
	mailfs_once >>"$work/t.mailfs"
done
got=$(find "$work/near" -type f -path '*/cur/*' -o -type f -path '*/new/*' | wc -l)
a=$(median <"$work/t.mailfs") b=$(median <"$work/t.mbsync")
printf '\n%-44s %10s %10s %8s\n' "first synchronization of $N messages" mailfs mbsync ratio
printf '%-44s %9ss %9ss %8s\n' "seconds, median of $RUNS (mbsync got $got)" "$a" "$b" "$(ratio "$a" "$b")"

# --- the mount beside a static tree ---------------------------------------------------
mkdir -p "$work/mnt" "$work/static"
"$mailfs" mount "${flags[@]}" --background "$work/mnt"
mounts+=("$work/mnt")
go build -o "$work/statictree" ./fs/statictree
"$work/statictree" "$work/mnt" "$work/static" &
pids+=($!)
mounts+=("$work/static")
for _ in $(seq 600); do mountpoint -q "$work/static" && break || sleep 0.1; done

drop() { sync; echo 3 >/proc/sys/vm/drop_caches 2>/dev/null || true; }
remount_mailfs() {
	"$mailfs" umount "$work/mnt" >/dev/null
	"$mailfs" mount "${flags[@]}" --background "$work/mnt"
}
printf '\n%-44s %10s %10s %8s\n' "over the mount, caches dropped" mailfs static ratio
for what in find ls grep; do
	: >"$work/t.a"; : >"$work/t.b"
	for i in $(seq "$RUNS"); do
		case $what in
		find) cmd=(find) ; args=() ;;
		ls) cmd=(ls -lR) ; args=() ;;
		grep) cmd=(grep -r nosuchwordanywhere) ; args=() ;;
		esac
		remount_mailfs; drop
		seconds sh -c '"$@" || true' sh "${cmd[@]}" "$work/mnt" >>"$work/t.a"
		drop
		seconds sh -c '"$@" || true' sh "${cmd[@]}" "$work/static" >>"$work/t.b"
	done
	a=$(median <"$work/t.a") b=$(median <"$work/t.b")
	printf '%-44s %9ss %9ss %8s\n' "${cmd[*]}" "$a" "$b" "$(ratio "$a" "$b")"
done
pid=$("$mailfs" status --json "$work/mnt" | sed -n 's/.*"pid": \([0-9]*\).*/\1/p')
printf '\nmemory of the mount: %s\n' "$(grep -E 'VmHWM|VmRSS' "/proc/$pid/status" | tr -s ' \t' ' ' | tr '\n' ' ')"
"$mailfs" umount "$work/mnt" >/dev/null
