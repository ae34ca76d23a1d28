"""`./winux --url URL COMMAND`: controls a portal on another machine over its API only.

It needs no settings and no database; docs/admin/cli.md describes its commands.
"""

import argparse
import os
from pathlib import Path

from webapp.cli import completion, portal_choice
from webapp.cli.exit_codes import UNREACHABLE, USAGE
from webapp.cli.output import complain
from webapp.cli.remote import account, connections, sessions, site
from webapp.cli.remote.client import ApiProblem, Client, NoAnswer


def make_parser() -> argparse.ArgumentParser:
    """Returns the parser of all commands of this form."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--json", action="store_true", help="print JSON, for programs")
    parser = argparse.ArgumentParser(prog="winux", description="Uses a Winux portal over its API.")
    portal_choice.add_to(parser)
    parser.set_defaults(run_remotely=run)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    completion.add_to(commands)
    for group in (sessions, connections, account, site):
        group.add_to(commands, shared)
    return parser


def run(options: argparse.Namespace) -> int:
    """Runs one command; returns the exit status."""
    key = _key(options.key_file)
    if key is None:
        complain(f"Set {portal_choice.KEY}, or name a file that holds the key with --key-file.")
        return USAGE
    client = Client(options.url, key, options.ca_file)
    try:
        return int(options.run(client, options) or 0)
    except ApiProblem as problem:
        complain(str(problem))
        return problem.exit_status
    except NoAnswer as error:
        complain(str(error))
        return UNREACHABLE


def _key(file: Path | None) -> str | None:
    if file is None:
        return os.environ.get(portal_choice.KEY, "").strip() or None
    try:
        return file.read_text().strip() or None
    except (OSError, UnicodeDecodeError) as error:
        complain(f"{file} cannot be read: {error}")
        return None
