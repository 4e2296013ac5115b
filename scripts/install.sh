#!/bin/sh
# npm ci, but only when the lock file or the Node version differs from what is installed.
set -eu
cd "$(dirname "$0")/.."
stamp=node_modules/.mlforge-stamp
want="$(node --version) $(cksum <package-lock.json)"
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$want" ]; then exit 0; fi
echo 'Installing dependencies (npm ci)'
ONNXRUNTIME_NODE_INSTALL=skip npm ci --no-audit --loglevel=error
printf '%s\n' "$want" >"$stamp"
