"""Documents the action of the same name (plugins/action/container_remove.py)."""

DOCUMENTATION = r"""
---
module: container_remove
short_description: Remove a container of ours, whatever state it is in
version_added: 1.0.0
author: [Winux (@winux)]
description:
  - Waits for a create or clone that is under way (never aborts it), stops, deletes, and looks
    that it is gone.
  - Unchanged if it is gone already. One without the mark is refused.
extends_documentation_fragment: [winux.proxmox.api]
options:
  vmid:
    description: Id of the container.
    type: int
    required: true
  portal_id:
    description: Which portal the desktop belongs to.
    type: str
    required: true
  session_id:
    description: Public id of the desktop; the one in the container's mark without it.
    type: str
"""

EXAMPLES = r"""
- name: Remove a container of ours, whatever state it is in
  winux.proxmox.container_remove:
    vmid: 20001
    portal_id: manual
    session_id: desktop-a1b2c3d4
"""

RETURN = r"""
---
vmid: {description: The container., type: int, returned: always}
"""
