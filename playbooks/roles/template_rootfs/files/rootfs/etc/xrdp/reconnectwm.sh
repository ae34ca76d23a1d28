#!/bin/sh
# Run by XRDP when a client comes back: the client's keyboard layout has just replaced the chosen one.
exec /usr/local/lib/winux/set-keyboard
