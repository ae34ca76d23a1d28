"""Documents the action of the same name (plugins/action/container_clone.py)."""

DOCUMENTATION = r"""
---
module: container_clone
short_description: Clone a template into a desktop's container
version_added: 1.0.0
author: [Winux (@winux)]
description:
  - A linked clone where the storage can, else a full one. The mark is set by the clone call
    itself.
  - Waits for the lock that a clone of the same template holds. A clone of ours that is under
    way or done is waited for and left unchanged.
  - A container with the same id and without the mark is refused.
extends_documentation_fragment: [winux.proxmox.api, winux.proxmox.desktop]
options:
  template_vmid:
    description: Template to clone.
    type: int
  template_name:
    description: Without O(template_vmid), the newest published version of this template.
    type: str
    default: xfce
  pool:
    description: Pool that the container becomes a member of.
    type: str
    required: true
  storage:
    description: Storage for its disk, if the clone is a full one.
    type: str
    required: true
  lock_patience:
    description: Seconds to wait for a lock that somebody else holds on the template; else 300.
    type: int
"""

EXAMPLES = r"""
- name: Clone a template into a desktop's container
  winux.proxmox.container_clone:
    vmid: 20001
    portal_id: manual
    session_id: desktop-a1b2c3d4
    pool: winux
    storage: local-lab
"""

RETURN = r"""
---
vmid: {description: The container., type: int, returned: always}
node: {description: Where it is., type: str, returned: always}
template_vmid: {description: What was cloned., type: int, returned: when changed}
config: {description: The container's configuration., type: dict, returned: success}
"""
