#!/bin/sh
# Starts an image as its users do, and sees that it works: check_image.sh IMAGE [PLATFORM]
set -eu

image=$1
platform=${2:-linux/amd64}
name=tigertag-check-$$
place=$(mktemp -d)
user=${CHECK_USER:-1234:2345}

finish() {
    status=$?
    [ "$status" = 0 ] || docker logs "$name" || true
    docker rm --force "$name" >/dev/null 2>&1 || true
    # What belongs to the container's user stays where only root may remove it.
    rm -rf "$place" 2>/dev/null || true
    exit "$status"
}
trap finish EXIT

inspect() {
    docker inspect --format "$1" "$name"
}

# The limits are those of compose.yaml. Docker makes `config` for root, as it does for everybody.
chmod 755 "$place"
mkdir -m 777 "$place/photos"
docker run --detach --name "$name" --platform "$platform" \
    --read-only --tmpfs /tmp --security-opt no-new-privileges:true \
    --cap-drop ALL --cap-add CHOWN --cap-add SETGID --cap-add SETUID \
    --env PUID="${user%:*}" --env PGID="${user#*:}" \
    --env LIBRARY_PHOTOS_NAME=tigertag.folder --env LIBRARY_PHOTOS_PATH=/photos \
    --env ENGINE_LOCAL_NAME=tigertag.classifier --env ENGINE_BOXES_NAME=tigertag.detector \
    --env ENGINE_FACTS_NAME=tigertag.metadata \
    --volume "$place/config:/config" --volume "$place/photos:/photos" "$image" >/dev/null

tries=90
until [ "$(inspect '{{.State.Health.Status}}')" = healthy ]; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || { echo "It has not become healthy."; exit 1; }
    sleep 2
done
echo "healthy"

# A picture of exactly a phone's screen: what tag it gets is certain.
docker exec "$name" python -c \
    "from PIL import Image; Image.new('RGB', (1170, 2532), 'teal').save('/photos/a.png')"
# On a slow machine the first check may take longer than its minute, and asks to be repeated.
docker exec "$name" tigertag engines --check || docker exec "$name" tigertag engines --check
docker exec "$name" tigertag scan photos --apply
grep -q screenshot "$place/photos/a.png.xmp" || { echo "No tag was written."; exit 1; }

# As the user: without its capabilities root may not look everywhere.
others=$(docker exec --user "$user" "$name" find /config /photos -type f ! -name a.png \
    \( ! -user "${user%:*}" -o ! -group "${user#*:}" \))
[ -z "$others" ] || { echo "Not of $user: $others"; exit 1; }

docker stop --time 30 "$name" >/dev/null
[ "$(inspect '{{.State.ExitCode}}')" = 0 ] || { echo "It did not end in order."; exit 1; }
echo "$image works as $user on $platform."
