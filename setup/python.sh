#!/bin/sh
# Installs the only requirement of set-up itself: Python 3.11 or newer with the venv module.
# Prints nothing if it is already installed.
set -eu
python=${WINUX_PYTHON:-/usr/bin/python3}

usable() {
    "$python" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

usable && exit 0
if [ -n "${WINUX_PYTHON:-}" ] || [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "Winux needs Python 3.11 or newer with its venv module at $python." >&2
    echo "Install it (Debian: apt-get install python3 python3-venv), or name another Python: WINUX_PYTHON=/path/to/python3" >&2
    exit 1
fi
echo "Installing Python (usually 15 s) …"
export DEBIAN_FRONTEND=noninteractive
apt-get -qq -o DPkg::Lock::Timeout=300 update
apt-get -qq -y -o DPkg::Lock::Timeout=300 install --no-install-recommends python3 python3-venv >/dev/null
usable && exit 0
echo "$python is too old or has no venv module although python3 and python3-venv are installed." >&2
echo "Winux needs Python 3.11 or newer; name one with WINUX_PYTHON=/path/to/python3" >&2
exit 1
