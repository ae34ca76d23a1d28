"""Documents the action of the same name (plugins/action/template_firewall.py)."""

DOCUMENTATION = r"""
---
module: template_firewall
short_description: Write the firewall of a template, which clones copy
version_added: 1.1.0
author: [Winux (@winux)]
description:
  - Switches the firewall on for the guest and its network card, with the filter for its own
    address, and lets TCP ports 22 and 3389 in from some addresses.
  - Its own rule is known by its comment; other rules stay.
  - Without effect until the firewall of the cluster is switched on.
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
  sources:
    description:
      - Addresses and networks of portal and gateway.
      - Without any, the address with which this machine reaches O(network).
    type: list
    elements: str
    default: []
  network:
    description: The desktops' network, or an address in it, with prefix.
    type: str
"""

EXAMPLES = r"""
- name: Write the firewall of a template
  winux.proxmox.template_firewall:
    vmid: 29001
    name: xfce
    version: 202603020900.1a2b3c4d
    sources: [10.20.0.1, 10.30.0.0/24]
"""

RETURN = r"""
---
sources: {description: What the rule lets in., type: list, elements: str, returned: always}
"""
