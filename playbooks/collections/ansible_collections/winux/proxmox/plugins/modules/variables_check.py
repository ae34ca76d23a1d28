"""Documents the action of the same name (plugins/action/variables_check.py)."""

DOCUMENTATION = r"""
---
module: variables_check
short_description: Check the variables of a playbook before anything is made
version_added: 1.1.0
author: [Winux (@winux)]
description:
  - Names every variable that is wrong. A variable that is not set, or that it does not know, is
    passed by.
options:
  given:
    description: Name and value of each.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Check variables
  winux.proxmox.variables_check:
    given:
      container_id: 20001
      keyboard_layout: pl
"""

RETURN = r"""
---
{}
"""
