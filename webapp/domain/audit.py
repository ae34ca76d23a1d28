"""What audit entries are about: each action's kind of thing, and who acts when no person does."""

#: The role of whoever runs commands on the portal's machine.
OPERATOR_ROLE = "operator at the machine"

#: What an action's subject names, where it is not the action's own noun.
KINDS = {
    "sign_in": "person",
    "sign_out": "person",
    "sign_in.end": "person",
    "key.add": "person",
    "key.revoke": "person",
    "connection.ticket": "desktop",
    "connection.open": "desktop",
    "connection.end": "desktop",
    "connection.cut": "desktop",
    "pool.set": "template",
    "pool.schedule": "template",
    "pool.unschedule": "template",
    "pool.drain": "desktop",
    "reservation.free": "desktop",
    "container.destroy": "desktop",
}


def subject_kind(action: str) -> str:
    """What kind of thing the subject of an entry with this action names, such as `desktop`."""
    return KINDS.get(action) or action.partition(".")[0]
