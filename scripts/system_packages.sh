#!/bin/sh
# Programs of the system that some tests use. On Debian as root they are installed; otherwise they are named, and the
# tests that need them are skipped with that reason.
set -eu

missing=""
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
command -v mariadbd >/dev/null 2>&1 || [ -x /usr/sbin/mariadbd ] || missing="$missing mariadb-server-core"
fc-list 2>/dev/null | grep -qi cjk || missing="$missing fontconfig fonts-noto-cjk"
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "Installing$missing ..."
  export DEBIAN_FRONTEND=noninteractive
  if apt-get update -qq && apt-get install -qq -y --no-install-recommends $missing >/dev/null; then
    exit 0
  fi
  echo "They could not be installed."
fi
echo "Not on this machine:$missing. Tests in a browser and on MariaDB are skipped without them; on Debian: apt-get install$missing"
