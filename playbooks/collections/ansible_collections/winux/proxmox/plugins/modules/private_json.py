"""Documents the action of the same name (plugins/action/private_json.py)."""

DOCUMENTATION = r"""
---
module: private_json
short_description: Write JSON into a file that only its owner may read
version_added: 1.0.0
author: [Winux (@winux)]
description:
  - Whole or not at all.
options:
  path:
    description: The file.
    type: path
    required: true
  content:
    description: What to write; null values are left out.
    type: dict
    required: true
  keep:
    description: Keys of the present file that stay when O(content) lacks them.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Write JSON into a file that only its owner may read
  winux.proxmox.private_json:
    path: desktop-a1b2c3d4.json
    content:
      address: 10.203.0.31
"""

RETURN = r"""
---
path: {description: The file., type: str, returned: always}
"""
