#!/bin/sh
# Install what the tests need from outside Python, where that can be done without asking.
# Otherwise say what is missing; its tests are skipped, loudly. This script never fails.
set -u

has_postgres() {
    [ -n "${TIGERTAG_TEST_POSTGRES:-}" ] && return 0
    command -v initdb >/dev/null 2>&1 && return 0
    ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1
}

has_chromium() {
    for name in chromium chromium-browser google-chrome google-chrome-stable; do
        command -v "$name" >/dev/null 2>&1 && return 0
    done
    return 1
}

has_exiftool() {
    command -v exiftool >/dev/null 2>&1
}

has_prometheus() {
    command -v prometheus >/dev/null 2>&1 && command -v promtool >/dev/null 2>&1
}

has_redis() {
    command -v redis-server >/dev/null 2>&1
}

has_rabbitmq() {
    command -v epmd >/dev/null 2>&1 || return 1
    [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] || command -v rabbitmq-server >/dev/null 2>&1
}

leave_out() {
    echo "Missing for the tests: $wanted (Debian's packages). Tests that need them are skipped."
    exit 0
}

wanted=""
has_postgres || wanted="postgresql"
has_chromium || wanted="$wanted chromium"
has_exiftool || wanted="$wanted libimage-exiftool-perl"
has_prometheus || wanted="$wanted prometheus"
has_redis || wanted="$wanted redis-server"
has_rabbitmq || wanted="$wanted rabbitmq-server"
wanted="${wanted# }"
[ -n "$wanted" ] || exit 0
command -v apt-get >/dev/null 2>&1 || leave_out
if [ "$(id -u)" = 0 ]; then
    as_root=env
elif sudo -n true 2>/dev/null; then
    as_root="sudo -n env"
else
    leave_out
fi
# The tests start servers of their own; Debian would start another of each, for good.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap '$as_root rm -f "$policy"' EXIT
    trap 'exit 1' HUP INT TERM
    $as_root sh -c "printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy"
fi
echo "Installing for the tests: $wanted"
# $wanted and $as_root are lists.
{ $as_root apt-get update -qq && $as_root DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends $wanted >/dev/null; } || leave_out
