#!/bin/sh
# What must be there before anything of MLForge can run, all findings at once. `mlforge doctor` looks
# at the rest; this is plain sh because there may be no Node yet.
set -u
missing=0
sudo=''
[ "$(id -u)" = 0 ] || sudo='sudo '

lacks() {
  missing=1
  printf 'MISSING  %s\n           %s\n' "$1" "$2"
}

if command -v node >/dev/null 2>&1; then
  node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
    lacks "Node.js 20.19 or later ($(node --version) is here)" "curl -fsSL https://deb.nodesource.com/setup_22.x | ${sudo}bash - && ${sudo}apt-get install -y nodejs"
else
  lacks 'Node.js 20.19 or later' "curl -fsSL https://deb.nodesource.com/setup_22.x | ${sudo}bash - && ${sudo}apt-get install -y nodejs"
fi
command -v npm >/dev/null 2>&1 || lacks 'npm' "${sudo}apt-get install -y npm"
if command -v python3 >/dev/null 2>&1; then
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
    lacks "Python 3.11 or later ($(python3 --version 2>&1) is here)" "${sudo}apt-get install -y python3.11 python3.11-venv"
  python3 -c 'import venv, ensurepip' 2>/dev/null || lacks "Python's venv" "${sudo}apt-get install -y python3-venv"
else
  lacks 'Python 3.11 or later with venv' "${sudo}apt-get install -y python3 python3-venv"
fi
command -v make >/dev/null 2>&1 || lacks 'make' "${sudo}apt-get install -y make"
if command -v ldd >/dev/null 2>&1 && ldd --version 2>&1 | grep -qi musl; then
  lacks 'glibc (this system has musl, as Alpine does)' 'use Debian or Ubuntu, such as the image node:22-bookworm-slim'
fi
exit "$missing"
