"""Documents the action of the same name (plugins/action/template_find.py)."""

DOCUMENTATION = r"""
---
module: template_find
short_description: Find the published template that is made from certain things
version_added: 1.0.0
author: [Winux (@winux)]
description:
  - The newest one, if several are.
extends_documentation_fragment: [winux.proxmox.api]
options:
  name:
    description: Name of the template.
    type: str
    required: true
  key:
    description: What its version ends with, a name for all that it is made from.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Find the published template that is made from certain things
  winux.proxmox.template_find:
    name: xfce
    key: 1a2b3c4d
"""

RETURN = r"""
---
vmid: {description: The template; null if there is none., type: int, returned: always}
version: {description: Its version; null if there is none., type: str, returned: always}
"""
