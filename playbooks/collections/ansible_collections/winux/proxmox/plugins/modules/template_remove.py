"""Documents the action of the same name (plugins/action/template_remove.py)."""

DOCUMENTATION = r"""
---
module: template_remove
short_description: Remove a published template of one version
version_added: 1.0.0
author: [Winux (@winux)]
description:
  - Finds it on whichever node of the cluster it is, and looks that it is gone.
  - Unchanged if it is gone already. A container that is not that version of a template is refused.
extends_documentation_fragment: [winux.proxmox.api]
options:
  vmid:
    description: The template.
    type: int
    required: true
  version:
    description: Its version.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Remove a version that nothing is cloned from any more
  winux.proxmox.template_remove:
    vmid: 29001
    version: 202603020900.1a2b3c4d
"""

RETURN = r"""
---
{}
"""
