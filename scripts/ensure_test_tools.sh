#!/bin/sh
# Make sure that the tests find PostgreSQL, Chromium and ExifTool, where that can be done without asking.
# They say loudly what they left out otherwise; this script never fails.
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

wanted=""
has_postgres || wanted="postgresql"
has_chromium || wanted="$wanted chromium"
command -v exiftool >/dev/null 2>&1 || wanted="$wanted libimage-exiftool-perl"
[ -n "$wanted" ] || exit 0
command -v apt-get >/dev/null 2>&1 || exit 0
if [ "$(id -u)" = 0 ]; then
    as_root=env
elif sudo -n true 2>/dev/null; then
    as_root="sudo -n env"
else
    exit 0
fi
echo "Installing for the tests: $wanted"
# $wanted and $as_root are lists.
{ $as_root apt-get update -qq && $as_root DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends $wanted >/dev/null; } ||
    echo "Not installed: $wanted; the tests that need it will be left out."
exit 0
