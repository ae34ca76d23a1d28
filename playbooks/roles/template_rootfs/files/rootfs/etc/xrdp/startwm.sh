#!/bin/sh
# Starts the person's session. Debian's own way (/etc/X11/Xsession, startxfce4) sources a dozen scripts and starts an
# ssh-agent first; this sets what XFCE needs and nothing else, because the first login is what people wait for.
# shellcheck source=/dev/null
[ -r /etc/profile ] && . /etc/profile
# shellcheck source=/dev/null
[ -r "$HOME/.profile" ] && . "$HOME/.profile"

/usr/local/lib/winux/set-keyboard
cd "$HOME" || exit 1
XDG_RUNTIME_DIR="/run/user/$(id -u)"
export XDG_RUNTIME_DIR
export XDG_SESSION_TYPE=x11 XDG_SESSION_CLASS=user XDG_CURRENT_DESKTOP=XFCE DESKTOP_SESSION=xfce XDG_MENU_PREFIX=xfce-
export XDG_CONFIG_DIRS=/etc/xdg XDG_DATA_DIRS=/usr/local/share:/usr/share
# No accessibility bus unless one is installed, no disks to watch in a container.
export NO_AT_BRIDGE=1 GVFS_REMOTE_VOLUME_MONITOR_IGNORE=1 GIO_USE_VOLUME_MONITOR=unix
exec dbus-run-session -- xfce4-session
