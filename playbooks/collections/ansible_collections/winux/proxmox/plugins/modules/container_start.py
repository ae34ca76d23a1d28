"""Documents the action of the same name (plugins/action/container_start.py)."""

DOCUMENTATION = r"""
---
module: container_start
short_description: Start a desktop's container
version_added: 1.0.0
author: [Winux (@winux)]
description:
  - Unchanged if it runs.
extends_documentation_fragment: [winux.proxmox.api, winux.proxmox.desktop]
options:
  settle:
    description: Wait first for a start, stop or shutdown of it that is under way.
    type: bool
    default: false
  seen:
    description: Its configuration, if the task before this one read it; then it is not read again.
    type: dict
"""

EXAMPLES = r"""
- name: Start a desktop's container
  winux.proxmox.container_start:
    vmid: 20001
    portal_id: manual
    session_id: desktop-a1b2c3d4
"""

RETURN = r"""
---
address: {description: Its fixed address without prefix, if any., type: str, returned: success}
"""
