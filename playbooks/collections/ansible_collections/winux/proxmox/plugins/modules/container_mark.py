"""Documents the action of the same name (plugins/action/container_mark.py)."""

DOCUMENTATION = r"""
---
module: container_mark
short_description: Write the mark of the portal that adopts a desktop in place of its maker's
version_added: 1.0.0
author: [Winux (@winux)]
description:
  - Unchanged if it carries the new mark already. Other lines of the notes stay.
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
- name: Write the mark of the portal that adopts a desktop in place of its maker's
  winux.proxmox.container_mark:
    vmid: 20001
    portal_id: manual
    session_id: desktop-a1b2c3d4
    adopter_portal_id: school
    adopter_session_id: desktop-a1b2c3d4
"""

RETURN = r"""
---
{}
"""
