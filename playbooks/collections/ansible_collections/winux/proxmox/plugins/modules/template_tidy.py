"""Documents the action of the same name (plugins/action/template_tidy.py)."""

DOCUMENTATION = r"""
---
module: template_tidy
short_description: Remove uploaded archives of a template
version_added: 1.1.0
author: [Winux (@winux)]
description:
  - All that were uploaded for a template of this name, also for earlier versions. Published
    templates do not need them.
  - Without the right to remove them (C(Datastore.Allocate)) they stay, and a warning names them.
extends_documentation_fragment: [winux.proxmox.api]
options:
  storage:
    description: Storage with content C(vztmpl).
    type: str
    required: true
  name:
    description: Name of the template.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Remove uploaded archives of a template
  winux.proxmox.template_tidy:
    storage: local
    name: xfce
"""

RETURN = r"""
---
removed: {description: Volume ids., type: list, elements: str, returned: always}
"""
