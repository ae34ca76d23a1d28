"""Documents the action of the same name (plugins/action/rdp_verify.py)."""

DOCUMENTATION = r"""
---
module: rdp_verify
short_description: Look that a desktop's XRDP answers with the certificate that is its own
version_added: 1.0.0
author: [Winux (@winux)]
description:
  - X.224 connection request, TLS handshake, comparison of the fingerprint.
options:
  address:
    description: The desktop's address.
    type: str
    required: true
  certificate_sha256:
    description: SHA-256 of the certificate (hex). Without it, any is accepted.
    type: str
"""

EXAMPLES = r"""
- name: Look that a desktop's XRDP answers with the certificate that is its own
  winux.proxmox.rdp_verify:
    address: 10.203.0.31
    certificate_sha256: "{{ answer.rdp_certificate_sha256 }}"
"""

RETURN = r"""
---
{}
"""
