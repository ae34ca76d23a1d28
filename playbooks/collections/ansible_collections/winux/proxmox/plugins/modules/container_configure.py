"""Documents the action of the same name (plugins/action/container_configure.py)."""

DOCUMENTATION = r"""
---
module: container_configure
short_description: Give a desktop's container its size, network and address
version_added: 1.0.0
author: [Winux (@winux)]
description:
  - Changes only what differs. The disk is never made smaller.
extends_documentation_fragment: [winux.proxmox.api, winux.proxmox.desktop]
options:
  memory_mb:
    description: Memory in MiB.
    type: int
    default: 1024
  swap_mb:
    description: Swap in MiB.
    type: int
    default: 512
  cores:
    description: CPU cores.
    type: int
    default: 2
  disk_gb:
    description: Size of the disk in GiB.
    type: int
    default: 10
  nesting:
    description: Allow containers inside.
    type: bool
    default: false
  bridge:
    description: Bridge of the node.
    type: str
    required: true
  address:
    description: Address with prefix. Without it, the one it has, or a free one of O(network).
    type: str
  router:
    description: Default router; the first host of O(network).
    type: str
  network:
    description: Network whose hosts 10 to 63 are for hand-made desktops.
    type: str
  check_address:
    description: Refuse an O(address) that another container holds.
    type: bool
    default: true
  seen:
    description: Its configuration, if the task before this one read it; then it is not read again.
    type: dict
"""

EXAMPLES = r"""
- name: Give a desktop's container its size, network and address
  winux.proxmox.container_configure:
    vmid: 20001
    portal_id: manual
    session_id: desktop-a1b2c3d4
    bridge: wxbr0
    network: 10.203.0.0/24
"""

RETURN = r"""
---
address: {description: The address without its prefix., type: str, returned: always}
config: {description: Its configuration afterwards., type: dict, returned: success}
"""
