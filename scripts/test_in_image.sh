#!/bin/sh
# Runs the quick tests with the Python and the packages of an image: test_in_image.sh IMAGE
set -eu

# The image has no test tools: they come into a container that is thrown away.
docker run --rm --user 0 --entrypoint sh --volume "$PWD:/checkout:ro" --workdir /tmp "$1" -euc '
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends git make >/dev/null
    git config --global --add safe.directory "*"
    git clone --quiet /checkout tests
    cd tests
    sh scripts/ensure_test_tools.sh
    for lock in dev demo; do
        python -m pip install --quiet --no-deps --require-hashes -r "requirements/$lock.txt"
    done
    python -m pytest -n auto -m "not slow"
'
