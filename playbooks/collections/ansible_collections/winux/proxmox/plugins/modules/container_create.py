"""Documents the action of the same name (plugins/action/container_create.py)."""

DOCUMENTATION = r"""
---
module: container_create
short_description: Create a container from an archive and turn it into a template
version_added: 1.0.0
author: [Winux (@winux)]
description:
  - The template is a draft until M(winux.proxmox.template_publish) marks it.
  - A draft that an earlier run left is used again; a half-made one is removed, and a clone on which
    one was tried.
extends_documentation_fragment: [winux.proxmox.api]
options:
  name:
    description: Name of the template.
    type: str
    required: true
  version:
    description: Its version; versions sort as text.
    type: str
    required: true
  archive:
    description: Volume id of the uploaded archive.
    type: str
    required: true
  vmid_first:
    description: First id to try.
    type: int
    default: 29001
  vmid_last:
    description: Last id to try.
    type: int
    default: 29099
  pool:
    description: Pool that the container becomes a member of.
    type: str
    required: true
  storage:
    description: Storage for its disk.
    type: str
    required: true
  bridge:
    description: Bridge of the node.
    type: str
    required: true
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
"""

EXAMPLES = r"""
- name: Create a container from an archive and turn it into a template
  winux.proxmox.container_create:
    name: xfce
    version: 202603020900.1a2b3c4d
    archive: local:vztmpl/winux-xfce_202603020900.1a2b3c4d_amd64.tar.zst
    pool: winux
    storage: local-lab
    bridge: wxbr0
"""

RETURN = r"""
---
vmid: {description: The template., type: int, returned: always}
spare_vmid: {description: A free id for trying it., type: int, returned: always}
"""
