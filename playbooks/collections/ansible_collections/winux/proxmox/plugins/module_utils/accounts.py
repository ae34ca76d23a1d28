"""Names of accounts inside a desktop; `webapp/domain/limits.py` says the same of a launch."""

from __future__ import annotations

import re

USERNAME = re.compile(r"[a-z][a-z0-9_-]{0,30}")
#: Accounts and groups of the system, of Debian's desktops and of Winux.
RESERVED_NAMES = frozenset(
    "root daemon bin sys sync games man lp mail news uucp proxy www-data backup list irc gnats"
    " nobody nogroup adm tty disk kmem dialout fax voice cdrom floppy tape sudo wheel audio dip"
    " operator src shadow utmp video sasl plugdev staff users input sgx kvm render crontab netdev"
    " bluetooth scanner lpadmin saned cups-pk-helper whoopsie geoclue tss uuidd tcpdump ssl-cert"
    " ssh sshd xrdp xrdp-sesman messagebus avahi avahi-autoipd colord rtkit pulse pulse-access"
    " pipewire polkitd lightdm gdm sddm dnsmasq usbmux fwupd-refresh nm-openvpn libvirt docker"
    " winux person admin administrator".split()
)
RESERVED_PREFIXES = ("systemd-", "winux-")


def is_reserved(name: str) -> bool:
    """Whether a person's account may not have this name."""
    return name in RESERVED_NAMES or name.startswith(RESERVED_PREFIXES)
