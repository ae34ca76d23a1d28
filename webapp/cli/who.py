"""`./winux who`: lists the current connections."""

import argparse

from webapp.bootstrap import Services
from webapp.cli.actor import OPERATOR, Commands
from webapp.cli.fields import CONNECTION, OPEN_COLUMNS, only, row_here
from webapp.cli.output import say, show_rows


def add_to(commands: Commands, shared: argparse.ArgumentParser) -> None:
    """Adds the commands."""
    who = commands.add_parser("who", parents=[shared], help="who is connected now")
    who.set_defaults(run=list_connections)
    group = commands.add_parser("connection", help="open connections")
    kinds = group.add_subparsers(metavar="COMMAND", required=True)
    cut = kinds.add_parser("cut", help="end one or several; the desktops go on")
    cut.add_argument("ids", nargs="+", metavar="id")
    cut.set_defaults(run=cut_connections)


def list_connections(services: Services, options: argparse.Namespace) -> None:
    rows: list[dict[str, object]] = []
    number = pages = 1
    while number <= pages:
        page = services.connections.open_connections(number)
        rows += [row_here(CONNECTION, view) for view in page.rows]
        number, pages = number + 1, page.pages
    if not options.json:
        rows = [only(row, OPEN_COLUMNS) for row in rows]
    show_rows(rows, as_json=options.json, nothing="There are no open connections.")


def cut_connections(services: Services, options: argparse.Namespace) -> None:
    for one in options.ids:
        services.connections.cut(OPERATOR, one)
        say(f"{one} ends now.")
