"""`./winux --url URL who` and `connection …`: lists the connections, and cuts one of them."""

import argparse

from webapp.cli.actor import Commands
from webapp.cli.fields import CONNECTION, ENDED_COLUMNS, OPEN_COLUMNS
from webapp.cli.output import say
from webapp.cli.remote.client import Client
from webapp.cli.remote.printing import print_rows


def add_to(commands: Commands, shared: argparse.ArgumentParser) -> None:
    """Adds the commands."""
    who = commands.add_parser("who", parents=[shared], help="who is connected now")
    who.set_defaults(run=list_open)
    group = commands.add_parser("connection", help="open connections")
    kinds = group.add_subparsers(metavar="COMMAND", required=True)
    listing = kinds.add_parser("list", parents=[shared], help="those that are over too")
    listing.add_argument("--desktop", help="only that desktop's")
    listing.add_argument("--limit", type=int, default=50)
    listing.set_defaults(run=list_connections)
    cut = kinds.add_parser("cut", help="end one or several; the desktops go on")
    cut.add_argument("ids", nargs="+", metavar="id")
    cut.set_defaults(run=cut_connections)


def list_open(client: Client, options: argparse.Namespace) -> None:
    rows = client.rows("/connections", open=True)
    nothing = "There are no open connections."
    print_rows(rows, options, OPEN_COLUMNS, fields=CONNECTION, nothing=nothing)


def list_connections(client: Client, options: argparse.Namespace) -> None:
    rows = client.rows("/connections", most=options.limit, session_sub=options.desktop)
    nothing = "There was no connection."
    print_rows(rows, options, ENDED_COLUMNS, fields=CONNECTION, nothing=nothing)


def cut_connections(client: Client, options: argparse.Namespace) -> None:
    for one in options.ids:
        client.delete(f"/connections/{one}")
        say(f"{one} ends now.")
