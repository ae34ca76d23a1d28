"""Documents the action of the same name (plugins/action/guest_try.py)."""

DOCUMENTATION = r"""
---
module: guest_try
short_description: Sign in on a clone of a new template
version_added: 1.0.0
author: [Winux (@winux)]
description:
  - Guest command, a login session through the session manager of XRDP, and the certificate that
    RDP shows.
options:
  address:
    description: The desktop's address.
    type: str
    required: true
  key_file:
    description: Private SSH key whose public half is in the template.
    type: path
    required: true
"""

EXAMPLES = r"""
- name: Sign in on a clone of a new template
  winux.proxmox.guest_try:
    address: 10.203.0.31
    key_file: var/guest_key
"""

RETURN = r"""
---
session: {description: In how many seconds the desktop stood., type: dict, returned: always}
"""
