"""Documents the action of the same name (plugins/action/template_upload.py)."""

DOCUMENTATION = r"""
---
module: template_upload
short_description: Upload a root file system archive to a storage
version_added: 1.0.0
author: [Winux (@winux)]
description:
  - Unchanged if an archive of this name and size is there.
extends_documentation_fragment: [winux.proxmox.api]
options:
  storage:
    description: Storage with content C(vztmpl).
    type: str
    required: true
  archive:
    description: The archive on this machine.
    type: path
    required: true
  name:
    description: Its name on the storage.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Upload a root file system archive to a storage
  winux.proxmox.template_upload:
    storage: local
    archive: /var/cache/winux/rootfs-0123456789ab.tar.zst
    name: winux-xfce_202603020900.1a2b3c4d_amd64.tar.zst
"""

RETURN = r"""
---
volid: {description: Volume id., type: str, returned: always}
"""
