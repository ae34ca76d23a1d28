"""The command line: `./winux COMMAND`. docs/admin/cli.md describes every command.

Exit status: 0 done; 1 refused or failed, with the reason on standard error; 2 wrong usage.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from webapp.adapters import schema
from webapp.bootstrap import build_services
from webapp.cli import audit, desktops, keys, nodes, operation, people, pool, templates, upkeep
from webapp.cli.output import complain
from webapp.config import BadConfig, load
from webapp.domain.errors import WinuxError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    options = make_parser().parse_args(arguments)
    try:
        services = build_services(load(os.environ))
        try:
            if options.run not in operation.ANY_SCHEMA:
                schema.check(services.db)
            options.run(services, options)
        finally:
            services.db.close()
    except (BadConfig, WinuxError) as error:
        complain(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # `./winux desktop list | head`: nobody reads on, and the flush at exit must not complain
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def make_parser() -> argparse.ArgumentParser:
    """All commands, their options and their help."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--json", action="store_true", help="print JSON, for programs")
    parser = argparse.ArgumentParser(
        prog="winux",
        description="Runs and administers a Winux portal.",
        epilog="Settings come from the environment: docs/admin/settings.md.",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for group in (people, keys, desktops, templates, pool, nodes, audit, operation, upkeep):
        group.add_to(commands, shared)
    return parser
