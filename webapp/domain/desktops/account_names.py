"""Names that a person's account inside a desktop may have.

The playbooks' collection has this file too, as a link in its `module_utils`, so that a manual run
refuses the same names as a launch. It therefore imports nothing of Winux.
"""

from __future__ import annotations

import re

#: A POSIX user name as Debian's adduser takes it.
USERNAME = re.compile(r"[a-z][a-z0-9_-]{0,30}")
#: Accounts and groups of the system, of Debian's desktops and of Winux; most of them exist in a
#: template. A group's name would work, but every listing would show it as a system account.
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
