"""Options that identify the desktop of an action."""


class ModuleDocFragment:
    """Together they are the container's mark; a container without it is never touched."""

    DOCUMENTATION = """
options:
  vmid:
    description: Id of the container.
    type: int
    required: true
  portal_id:
    description: Which portal the desktop belongs to.
    type: str
    required: true
  session_id:
    description: Public id of the desktop, and its host name.
    type: str
    required: true
"""
