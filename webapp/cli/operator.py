"""Who acts at the command line, and the shapes that all commands share."""

import argparse
from typing import TypeAlias

from webapp.services.audit.record import Actor

#: Whoever can run commands with the portal's settings may do what an admin may.
OPERATOR = Actor(person_id=None, is_admin=True)

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
