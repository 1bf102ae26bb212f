#!/bin/sh
# `docker exec tigertag tigertag …` comes as root: what it writes has to be the service's, too.
exec /app/entrypoint.sh /venv/bin/tigertag "$@"
