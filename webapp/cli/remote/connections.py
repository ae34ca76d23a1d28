"""`./winux --url URL who` and `connection …`: who is connected, and cutting any of it."""

import argparse

from webapp.cli.operator import Commands
from webapp.cli.output import say
from webapp.cli.remote.client import Client
from webapp.cli.remote.printing import print_rows


def add_to(commands: Commands, shared: argparse.ArgumentParser) -> None:
    """The commands."""
    who = commands.add_parser("who", parents=[shared], help="who is connected now")
    who.set_defaults(run=list_connections)
    group = commands.add_parser("connection", help="open connections")
    kinds = group.add_subparsers(metavar="COMMAND", required=True)
    listing = kinds.add_parser("list", parents=[shared], help="the same as who")
    listing.set_defaults(run=list_connections)
    cut = kinds.add_parser("cut", help="end one or several; the desktops go on")
    cut.add_argument("ids", nargs="+", metavar="id")
    cut.set_defaults(run=cut_connections)


def list_connections(client: Client, options: argparse.Namespace) -> None:
    print_rows(client.rows("/connections"), options, nothing="Nobody is connected.")


def cut_connections(client: Client, options: argparse.Namespace) -> None:
    for one in options.ids:
        client.delete(f"/connections/{one}")
        say(f"{one} ends now.")
