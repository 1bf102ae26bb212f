#!/bin/sh
# Starts a command of the image as PUID:PGID, and makes TIGERTAG_HOME theirs where it is root's.
set -eu

is_number() {
    case $1 in '' | *[!0-9]*) return 1 ;; esac
}

if [ "$(id -u)" != 0 ]; then
    # Started with `user:` or --user, which only root could change.
    own=$(id -u):$(id -g)
    if [ "${PUID:-$(id -u)}:${PGID:-$(id -g)}" != "$own" ]; then
        echo "PUID and PGID have no effect: the container was started as $own." >&2
    fi
    exec "$@"
fi

uid=${PUID:-1000}
gid=${PGID:-1000}
if ! is_number "$uid" || ! is_number "$gid"; then
    echo "TigerTag cannot start: PUID and PGID have to be numbers; \`id\` on the host prints yours." >&2
    exit 1
fi
# Groups that the container was given (group_add) are kept; root's is not.
groups=$(id -G | tr ' ' '\n' | grep -vx 0 | paste -sd , -)
if [ -n "$groups" ]; then keep=--groups=$groups; else keep=--clear-groups; fi
set -- setpriv --reuid="$uid" --regid="$gid" "$keep" --no-new-privs "$@"

home=${TIGERTAG_HOME:-/config}
mkdir -p "$home"
# Docker makes a folder that is missing on the host for root. Nothing in it is touched: it may be
# somebody's photos. Where the file system refuses (NFS, read-only), TigerTag says so itself.
if ! setpriv --reuid="$uid" --regid="$gid" "$keep" test -w "$home"; then
    chown "$uid:$gid" "$home" || true
fi
exec "$@"
