"""Options of every action that connects to a node."""


class ModuleDocFragment:
    """Set them once, in module_defaults of group/winux.proxmox.api."""

    DOCUMENTATION = """
options:
  api_host:
    description: Host name or address of the Proxmox VE API.
    type: str
    required: true
  api_port:
    description: Its port.
    type: int
    default: 8006
  api_user:
    description: User of the API token, such as V(winux@pve).
    type: str
    required: true
  api_token_id:
    description: Name of the API token.
    type: str
    required: true
  api_token_secret:
    description: The token's secret, unless O(secrets_file) holds it.
    type: str
  secrets_file:
    description: JSON file of mode 0600 with C(proxmox_api_token_secret), and C(rdp_password)
      where one is needed.
    type: path
  ca_file:
    description: File with the authority of the API's certificate; the system's store without it.
    type: path
  node:
    description: Name of the node.
    type: str
    required: true
"""
