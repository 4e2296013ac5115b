#!/bin/sh
# npm run build, but only when sources changed since the last complete build. What was compiled from
# files that are gone by now is removed: stale tests would still run.
set -eu
cd "$(dirname "$0")/.."
stamp=dist/.mlforge-built
sources() {
  find . \( -path ./node_modules -o -path ./dist -o -path ./.git -o -path ./.mlforge \) -prune -o \
    \( -name '*.ts' -o -name tsconfig.json -o -name package-lock.json -o -name '*.proto' \) "$@" -print | sort
}
mkdir -p dist
sources >dist/.mlforge-sources
if [ -f "$stamp" ] && [ -z "$(sources -newer "$stamp")" ] && cmp -s dist/.mlforge-sources "$stamp"; then
  exit 0
fi
if [ -f "$stamp" ]; then
  comm -13 dist/.mlforge-sources "$stamp" | sed -n 's#^\./\(.*\)\.ts$#dist/\1.js#p' | while read -r stale; do
    rm -f "$stale" "$stale.map"
  done
fi
echo 'Building'
npm run --silent build
chmod +x dist/cli/main.js
# The listing is as old as the beginning: what was edited during the build is built the next time.
mv dist/.mlforge-sources "$stamp"
