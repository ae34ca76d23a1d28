"""Documents the action of the same name (plugins/action/container_find.py)."""

DOCUMENTATION = r"""
---
module: container_find
short_description: Find a running desktop that was made by hand and is to be adopted
version_added: 1.0.0
author: [Winux (@winux)]
description:
  - One that does not run, is a template, or carries another mark is refused.
extends_documentation_fragment: [winux.proxmox.api, winux.proxmox.desktop]
options:
  adopter_portal_id:
    description: The portal that it belongs to from now on.
    type: str
    required: true
  adopter_session_id:
    description: Its public id there, which becomes its name.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Find a running desktop that was made by hand and is to be adopted
  winux.proxmox.container_find:
    vmid: 20001
    portal_id: manual
    session_id: desktop-a1b2c3d4
    adopter_portal_id: school
    adopter_session_id: desktop-a1b2c3d4
"""

RETURN = r"""
---
address: {description: Its address without the prefix., type: str, returned: always}
"""
