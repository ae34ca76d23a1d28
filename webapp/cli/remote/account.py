"""`./winux --url URL me` and `key …`: the key's person, and that person's keys."""

import argparse
from datetime import UTC, datetime, timedelta

from webapp.cli.actor import Commands
from webapp.cli.fields import KEY
from webapp.cli.output import say
from webapp.cli.remote.client import Client
from webapp.cli.remote.printing import print_one, print_rows
from webapp.domain.people.keys import Scope


def add_to(commands: Commands, shared: argparse.ArgumentParser) -> None:
    """Adds the commands."""
    me = commands.add_parser("me", parents=[shared], help="whom this key acts for")
    me.set_defaults(run=show_me)
    group = commands.add_parser("key", help="your API keys")
    kinds = group.add_subparsers(metavar="COMMAND", required=True)
    listing = kinds.add_parser("list", parents=[shared], help="all that work")
    listing.set_defaults(run=list_keys)
    add = kinds.add_parser("add", parents=[shared], help="make one and show it once")
    add.add_argument("name", help="what will use it")
    add.add_argument("--scope", action="append", choices=[scope.value for scope in Scope])
    add.add_argument("--days", type=int, help="how long it works; 0: until it is revoked")
    add.set_defaults(run=add_key)
    revoke = kinds.add_parser("revoke", help="it works no more, at once")
    revoke.add_argument("id")
    revoke.set_defaults(run=revoke_key)


def show_me(client: Client, options: argparse.Namespace) -> None:
    print_one(client.get("/me"), options)


def list_keys(client: Client, options: argparse.Namespace) -> None:
    print_rows(client.all("/keys"), options, fields=KEY, nothing="There is no key.")


def add_key(client: Client, options: argparse.Namespace) -> None:
    body: dict[str, object] = {"name": options.name, "scopes": options.scope or ["read"]}
    if options.days is not None:
        end = datetime.now(UTC) + timedelta(days=options.days)
        body["expires_at"] = end.isoformat() if options.days else None
    print_one(client.post("/keys", body), options, KEY)


def revoke_key(client: Client, options: argparse.Namespace) -> None:
    client.delete(f"/keys/{options.id}")
    say("The key works no more.")
