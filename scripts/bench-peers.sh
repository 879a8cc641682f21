#!/usr/bin/env bash
# Measures mailfs beside its peers, all in one run on one machine:
#   1. a first synchronization of N messages with mailfs from `mailfs serve`, against
#      mbsync from Dovecot with the same messages;
#   2. find, ls -lR and grep -r over the mount, against a static in-memory file system
#      of the same files with the same mount options, both freshly mounted.
# Root is needed for the mounts and for dropping the kernel's caches. N, SIZE and RUNS
# come from the environment (10000 messages of 20000 bytes, medians of 3 runs).
set -euo pipefail
cd "$(dirname "$0")/.."
N=${N:-10000} SIZE=${SIZE:-20000} RUNS=${RUNS:-3}
[ "$(id -u)" = 0 ] || { echo "bench-peers: needs root, to mount and to drop the kernel's caches" >&2; exit 1; }

missing=()
command -v dovecot >/dev/null && [ -x /usr/lib/dovecot/imap ] || missing+=(dovecot-imapd)
command -v mbsync >/dev/null || missing+=(isync)
if [ ${#missing[@]} -gt 0 ]; then
	echo "installing ${missing[*]} ..."
	apt-get update -q >/dev/null
	DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" >/dev/null
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/bench-peers.XXXXXX")
chmod 711 "$work" # Dovecot reads the mail as another user
mailfs=$PWD/bin/mailfs
mnt=$work/mnt static=$work/static
export XDG_RUNTIME_DIR=$work/run XDG_STATE_HOME=$work/state
mkdir -p "$mnt" "$static" "$work/dovecot" "$XDG_RUNTIME_DIR"
chmod 700 "$XDG_RUNTIME_DIR"
pids=()
cleanup() {
	for m in "$mnt" "$static"; do umount -l "$m" 2>/dev/null || true; done
	for p in "${pids[@]}"; do kill "$p" 2>/dev/null || true; done
	wait
	rm -rf "$work"
}
trap cleanup EXIT

# await waits up to two minutes for a command to succeed.
await() {
	for _ in $(seq 1200); do "$@" 2>/dev/null && return; sleep 0.1; done
	echo "bench-peers: gave up waiting for: $*" >&2
	exit 1
}
# seconds adds the wall-clock seconds of a command to a file.
seconds() {
	local file=$1 t0 t1
	shift
	t0=$(date +%s.%N)
	"$@" >/dev/null
	t1=$(date +%s.%N)
	awk -v a="$t0" -v b="$t1" 'BEGIN { printf "%.3f\n", b - a }' >>"$file"
}
median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
row() { # row WHAT OURS THEIRS: medians of two files and their ratio
	local a b
	a=$(median "$2") b=$(median "$3")
	printf '%-44s %9ss %9ss %8s\n' "$1" "$a" "$b" "$(awk -v a="$a" -v b="$b" 'BEGIN { printf "%.2f", a / b }')"
}
# memory prints the high-water mark of a process and what of it is its own (the rest are pages of files).
memory() {
	awk '/^VmHWM/ { h = $2 } /^RssAnon/ { a = $2 } END { printf "peak %d MiB, now %d MiB beside mapped files\n", h / 1024, a / 1024 }' "/proc/$1/status"
}

echo "making $N messages of $SIZE bytes ..."
"$mailfs" sample --count "$N" --size "$SIZE" "$work/maildir" 2>/dev/null
go build -o "$work/statictree" ./fs/statictree
echo secret >"$work/password"

# --- Dovecot and mbsync -------------------------------------------------------------
port=41430
while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
cp -r "$work/maildir" "$work/mail"
chown -R nobody: "$work/mail"
cat >"$work/dovecot.conf" <<CONF
base_dir = $work/dovecot
state_dir = $work/dovecot
log_path = $work/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
mail_location = maildir:$work/mail
passdb {
  driver = static
  args = password=secret
}
userdb {
  driver = static
  args = uid=$(id -u nobody) gid=$(id -g nobody) home=$work/mail
}
service imap-login {
  inet_listener imap {
    port = $port
  }
  inet_listener imaps {
    port = 0
  }
}
CONF
dovecot -F -c "$work/dovecot.conf" 2>/dev/null &
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
listening() { (exec 3<>"/dev/tcp/127.0.0.1/$port"); }
await listening

mbsync_once() { # mbsync_once FILE
	rm -rf "$work/near"
	mkdir "$work/near"
	sync
	seconds "$1" mbsync -q -c "$work/mbsyncrc" all 2>"$work/mbsync.err" || { cat "$work/mbsync.err" >&2; exit 1; }
}

# --- mailfs ---------------------------------------------------------------------------
"$mailfs" serve --listen 127.0.0.1:0 --user alice@example.test:secret --import "$work/maildir" >"$work/serve.out" 2>/dev/null &
pids+=($!)
await grep -q '^http' "$work/serve.out"
flags=(--server "$(head -n1 "$work/serve.out")" --user alice@example.test --password-file "$work/password" --replica "$work/replica")
mailfs_once() { # mailfs_once FILE
	rm -rf "$work/replica"
	sync
	seconds "$1" "$mailfs" sync -q "${flags[@]}"
}

# Once unmeasured: Dovecot builds its indexes, and mailfs shows its memory.
mbsync_once /dev/null
rm -rf "$work/replica"
"$mailfs" sync -q "${flags[@]}" &
while s=$(memory $! 2>/dev/null) && [ -n "$s" ]; do sync_memory=$s; sleep 0.05; done
wait $!
for _ in $(seq "$RUNS"); do
	mbsync_once "$work/t.mbsync"
	mailfs_once "$work/t.mailfs"
done
near=$(find "$work/near" -type f \( -path '*/cur/*' -o -path '*/new/*' \) | wc -l)

# --- the mount beside a static tree ---------------------------------------------------
drop() { sync; echo 3 >/proc/sys/vm/drop_caches; }
mount_mailfs() { "$mailfs" mount "${flags[@]}" --background "$mnt" >/dev/null; }
umount_mailfs() { "$mailfs" umount "$mnt" >/dev/null; }
walk() { # walk FILE COMMAND...: what exits 1 is a grep that found nothing
	local file=$1
	shift
	drop
	seconds "$file" sh -c '"$@" || [ $? = 1 ]' sh "$@"
}
pair() { # pair NAME COMMAND...: one run of each side
	local name=$1
	shift
	mount_mailfs
	walk "$work/t.$name.mailfs" "$@" "$mnt"
	mailfs_memory=$(memory "$("$mailfs" status --json "$mnt" | sed -n 's/.*"pid": \([0-9]*\).*/\1/p')")
	"$work/statictree" "$mnt" "$static" &
	local pid=$!
	await mountpoint -q "$static"
	walk "$work/t.$name.static" "$@" "$static"
	umount "$static"
	wait "$pid"
	files=$(find "$mnt" -name '*.eml' -type f | wc -l)
	umount_mailfs
}
for _ in $(seq "$RUNS"); do
	pair find find
	pair ls ls -lR
	pair grep grep -r nosuchwordanywhere
done

printf '\n%-44s %10s %10s %8s\n' "first synchronization" mailfs mbsync ratio
row "$files messages, $near by mbsync" "$work/t.mailfs" "$work/t.mbsync"
printf '\n%-44s %10s %10s %8s\n' "over the mount, freshly mounted" mailfs static ratio
row "find" "$work/t.find.mailfs" "$work/t.find.static"
row "ls -lR" "$work/t.ls.mailfs" "$work/t.ls.static"
row "grep -r" "$work/t.grep.mailfs" "$work/t.grep.static"
printf '\nmemory of mailfs sync:  %s\n' "$sync_memory"
printf 'memory of the mount:    %s\n' "$mailfs_memory"
if [ "$files" != "$N" ] || [ "$near" != "$N" ]; then
	echo "bench-peers: not every message arrived" >&2
	exit 1
fi
