"""The actor of the command line, and the types that all commands share."""

import argparse
from typing import TypeAlias

from webapp.services.audit.record import Actor

#: A person who can run commands with the portal's settings has the rights of an admin.
OPERATOR = Actor(person_id=None, is_admin=True)

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
