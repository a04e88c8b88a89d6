#!/bin/sh
# Runs a command of this project on a machine that may have nothing but Node and npm:
# installs the locked packages when they are missing or older than the lock file, and puts
# the pinned Node in front of the PATH. Usage: sh dev/run.sh COMMAND [ARGUMENT...]
set -eu
cd "$(dirname "$0")/.."

if [ ! -f node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo "setup: installing the locked npm packages" >&2
  npm ci --no-audit --no-fund --loglevel=error >&2
  touch node_modules/.package-lock.json
fi

PATH="$PWD/node_modules/.bin:$PATH"
export PATH
exec "$@"
