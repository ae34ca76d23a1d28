"""Documents the action of the same name (plugins/action/guest_assign.py)."""

DOCUMENTATION = r"""
---
module: guest_assign
short_description: Give an unused desktop to its person
version_added: 1.0.0
author: [Winux (@winux)]
description:
  - Looks that the container is the desktop's and runs, then asks C(winux-guest) in it over one SSH
    connection to replace the account that the desktop was built with. Secrets go through its
    standard input.
  - Refused once somebody has signed in to the desktop. A second run changes nothing.
  - The result holds the password if the desktop made it, so the task needs C(no_log).
extends_documentation_fragment:
  - winux.proxmox.api
  - winux.proxmox.desktop
options:
  key_file:
    description: Private key whose public half is in the template.
    type: path
    required: true
  ssh_host_key_sha256:
    description: The desktop's SSH host key; nothing is said to a machine that shows another one.
      Without it, the first key is accepted.
    type: str
  username:
    description: Name of the person's account.
    type: str
    default: desktop
  keyboard_layout:
    description: Layout as XKB names it.
    type: str
    default: us
  deadline_epoch:
    description: When the desktop ends, seconds since 1970 UTC.
    type: int
  duration_minutes:
    description: Without O(deadline_epoch), and where the desktop has no deadline yet.
    type: int
    default: 30
"""

EXAMPLES = r"""
- name: Give an unused desktop to anna
  winux.proxmox.guest_assign:
    vmid: 30001
    portal_id: manual
    session_id: desktop-a1b2c3d4
    username: anna
    key_file: var/guest_key
  no_log: true
"""

RETURN = r"""
---
address: {description: Where the desktop is., type: str, returned: always}
ssh_host_key_sha256: {description: Fingerprint as C(ssh-keygen -l) shows it., type: str,
  returned: success}
rdp_certificate_sha256: {description: SHA-256 of the certificate (hex)., type: str, returned:
  success}
rdp_certificate_pem: {description: The certificate., type: str, returned: success}
password: {description: If the desktop made it., type: str, returned: sometimes}
"""
