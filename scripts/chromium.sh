#!/usr/bin/env bash
# Make Debian's Chromium available for the browser tests, where this machine lets us.
set -euo pipefail

for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null; then exit 0; fi
done
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "chromium is missing and cannot be installed from here: browser tests will be skipped"
    exit 0
fi
echo "installing chromium for the browser tests"
export DEBIAN_FRONTEND=noninteractive
log="$(mktemp)"
trap 'rm -f "$log"' EXIT
if ! { timeout 300 apt-get -q update && timeout 900 apt-get -q install --yes \
    --no-install-recommends chromium fonts-dejavu-core; } >"$log" 2>&1; then
    tail -n 5 "$log" >&2
    echo "chromium could not be installed: browser tests will be skipped" >&2
fi
