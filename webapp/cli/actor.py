"""The actor of the command line, and the types that all commands share."""

import argparse
from typing import TypeAlias

from webapp.domain.access import Internal
from webapp.services.audit.record import Actor

#: A person who can run commands with the portal's settings has the rights of an admin.
OPERATOR = Actor(None, role=Internal.COMMAND_LINE)

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
