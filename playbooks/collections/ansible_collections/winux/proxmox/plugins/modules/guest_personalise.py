"""Documents the action of the same name (plugins/action/guest_personalise.py)."""

DOCUMENTATION = r"""
---
module: guest_personalise
short_description: Make a running desktop the person's own
version_added: 1.0.0
author: [Winux (@winux)]
description:
  - One SSH connection to C(winux-guest) for account, password, keyboard, deadline. Secrets go
    through its standard input.
  - The result holds the password if the desktop made it, so the task needs C(no_log).
options:
  address:
    description: The desktop's address.
    type: str
    required: true
  key_file:
    description: Private SSH key whose public half is in the template.
    type: path
    required: true
  secrets_file:
    description: JSON file of mode 0600 with C(rdp_password). Without one, an existing account
      keeps its password and a new one gets a random one.
    type: path
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
    description: Without O(deadline_epoch), counts from the first run.
    type: int
    default: 30
"""

EXAMPLES = r"""
- name: Make a running desktop the person's own
  winux.proxmox.guest_personalise:
    address: 10.203.0.31
    key_file: var/guest_key
  no_log: true
"""

RETURN = r"""
---
ssh_host_key_sha256: {description: Fingerprint as C(ssh-keygen -l) shows it., type: str,
  returned: always}
rdp_certificate_sha256: {description: SHA-256 of the certificate (hex)., type: str, returned:
  always}
rdp_certificate_pem: {description: The certificate., type: str, returned: always}
password: {description: If the desktop made it., type: str, returned: sometimes}
"""
