"""Documents the action of the same name (plugins/action/guest_deadline.py)."""

DOCUMENTATION = r"""
---
module: guest_deadline
short_description: Tell a running desktop when it ends
version_added: 1.0.0
author: [Winux (@winux)]
description:
  - Waits until it answers on SSH, then asks C(winux-guest) in it to set the deadline and with it
    the warnings.
  - Unchanged if it has that deadline.
options:
  address:
    description: The desktop's address.
    type: str
    required: true
  key_file:
    description: Private key whose public half is in the template.
    type: path
    required: true
  ssh_host_key_sha256:
    description: The desktop's SSH host key; nothing is said to a machine that shows another one.
      Without it, the first key is accepted.
    type: str
  deadline_epoch:
    description: When the desktop ends, seconds since 1970 UTC.
    type: int
    required: true
"""

EXAMPLES = r"""
- name: Tell a running desktop when it ends
  winux.proxmox.guest_deadline:
    address: 10.203.0.31
    key_file: var/guest_key
    deadline_epoch: 1767225600
"""

RETURN = r"""
---
{}
"""
