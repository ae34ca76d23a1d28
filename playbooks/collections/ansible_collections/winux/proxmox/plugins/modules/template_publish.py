"""Documents the action of the same name (plugins/action/template_publish.py)."""

DOCUMENTATION = r"""
---
module: template_publish
short_description: Mark a template as fit for desktops
version_added: 1.0.0
author: [Winux (@winux)]
description:
  - Writes C(winux-template) with name and version into its description, in place of the draft
    mark.
extends_documentation_fragment: [winux.proxmox.api]
options:
  vmid:
    description: The template.
    type: int
    required: true
  name:
    description: Its name.
    type: str
    required: true
  version:
    description: Its version.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Mark a template as fit for desktops
  winux.proxmox.template_publish:
    vmid: 29001
    name: xfce
    version: 202603020900.1a2b3c4d
"""

RETURN = r"""
---
{}
"""
