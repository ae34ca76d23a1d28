"""The command line: `./winux COMMAND`. docs/admin/cli.md describes every command.

With `--url` it controls a portal on another machine over its API (`remote`). Exit statuses:
`exit_codes.py`.
"""

import argparse
import os
import sys
from collections.abc import Sequence

import argcomplete

from webapp.adapters import schema
from webapp.bootstrap import build_services
from webapp.cli import (
    audit,
    completion,
    desktops,
    exit_codes,
    keys,
    maintenance,
    nodes,
    operation,
    people,
    pool,
    portal_choice,
    templates,
    webhooks,
    who,
)
from webapp.cli.output import complain
from webapp.config import load_with_file
from webapp.domain.errors import WinuxError
from webapp.env_file import VARIABLE
from webapp.settings.reader import BadConfig
from webapp.texts.sentences import sentence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    if portal_choice.is_remote(words):
        from webapp.cli import remote  # it loads an HTTP client, which no server process needs

        parser = remote.make_parser()
    else:
        parser = make_parser()
    argcomplete.autocomplete(parser)
    options = parser.parse_args(words)
    try:
        if options.run is completion.print_completion:
            options.run(None, options)
        elif options.url:
            return int(options.run_remotely(options))
        else:
            _run_here(options)
    except BadConfig as error:
        complain(str(error))
        return exit_codes.REFUSED
    except WinuxError as error:
        complain(sentence(error))
        return exit_codes.exit_of(error)
    except KeyboardInterrupt:
        return exit_codes.INTERRUPTED
    except BrokenPipeError:
        # `./winux desktop list | head` closes the pipe; the flush at exit must not report that.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return exit_codes.DONE


def _run_here(options: argparse.Namespace) -> None:
    services = build_services(load_with_file(_environment(options)))
    try:
        if options.run not in operation.ANY_SCHEMA:
            schema.check(services.db)
        options.run(services, options)
    finally:
        services.db.close()


def _environment(options: argparse.Namespace) -> dict[str, str]:
    return {**os.environ, **({VARIABLE: options.env_file} if options.env_file else {})}


def make_parser() -> argparse.ArgumentParser:
    """Returns the parser of all commands, their options and their help."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--json", action="store_true", help="print JSON, for programs")
    parser = argparse.ArgumentParser(
        prog="winux",
        description="Runs and administers a Winux portal.",
        epilog="Settings come from the environment and the settings file: docs/admin/settings.md.",
        allow_abbrev=False,  # `--ur` would select the `--url` form without its commands
    )
    portal_choice.add_to(parser)
    parser.add_argument("--env-file", help=f"holds the settings of this machine; or {VARIABLE}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    completion.add_to(commands)
    for group in (
        people,
        keys,
        desktops,
        templates,
        pool,
        nodes,
        who,
        audit,
        webhooks,
        operation,
        maintenance,
    ):
        group.add_to(commands, shared)
    return parser
