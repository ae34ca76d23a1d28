"""Documents the action of the same name (plugins/action/container_pause.py)."""

DOCUMENTATION = r"""
---
module: container_pause
short_description: Shut a desktop's container down, and keep it
version_added: 1.0.0
author: [Winux (@winux)]
description:
  - Asks it to shut down, stops it by force when it takes too long, and looks that it is down.
  - Unchanged if it does not run.
extends_documentation_fragment: [winux.proxmox.api, winux.proxmox.desktop]
options:
  patience_s:
    description: Seconds that a clean shutdown may take.
    type: int
    default: 20
"""

EXAMPLES = r"""
- name: Shut a desktop's container down, and keep it
  winux.proxmox.container_pause:
    vmid: 20001
    portal_id: manual
    session_id: desktop-a1b2c3d4
"""

RETURN = r"""
---
{}
"""
