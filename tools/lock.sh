#!/bin/sh
# Pins the newest versions that requirements*.in allow, with the hash of each file: tools/lock.sh UV
set -eu
uv=$1
pin() {
    "$uv" pip compile --quiet --upgrade --generate-hashes --no-emit-index-url \
        --python-version 3.11 --universal --custom-compile-command "make lock" "$@"
}
pin requirements.in -o requirements.txt
pin requirements-dev.in -c requirements.txt -o requirements-dev.txt
git --no-pager diff --stat -- requirements.txt requirements-dev.txt
