"""`./winux key …`"""

import argparse
from datetime import timedelta

from webapp.bootstrap import Services
from webapp.cli.actor import OPERATOR, Commands
from webapp.cli.fields import KEY, row_here
from webapp.cli.output import say, show_one, show_rows
from webapp.domain.errors import BadInput, NotFound
from webapp.domain.people.keys import Scope, default_end
from webapp.domain.people.passwords import same_name


def add_to(commands: Commands, shared: argparse.ArgumentParser) -> None:
    """Adds the command and its subcommands."""
    group = commands.add_parser("key", help="API keys, with which programs act for people")
    kinds = group.add_subparsers(metavar="COMMAND", required=True)
    add = kinds.add_parser("add", parents=[shared], help="make a key and show it once")
    add.add_argument("person", help="for whom it acts")
    add.add_argument("name", help="what will use it")
    add.add_argument(
        "--scope",
        action="append",
        choices=[scope.value for scope in Scope],
        help="what it may do; the default is read; may be given several times",
    )
    add.add_argument("--days", type=int, help="how long it works; 0: until it is revoked")
    add.set_defaults(run=add_key)
    listing = kinds.add_parser("list", parents=[shared], help="all keys, or one person's")
    listing.add_argument("--person")
    listing.set_defaults(run=list_keys)
    revoke = kinds.add_parser("revoke", parents=[shared], help="it works no more, at once")
    revoke.add_argument("prefix", help="what the key begins with, such as wx_a1B2c3D4")
    revoke.set_defaults(run=revoke_key)


def add_key(services: Services, options: argparse.Namespace) -> None:
    life = services.config.key_life
    if options.days is not None:
        if not 0 <= options.days <= 3650:
            raise BadInput("days", "key_days")
        life = timedelta(days=options.days)
    expires_at = default_end(life, services.clock.now())
    scopes = options.scope or [Scope.READ.value]
    made = services.keys.make(OPERATOR, options.name, scopes, expires_at, person=options.person)
    if options.json:
        show_one({**row_here(KEY, made.key), "key": made.text}, as_json=True)
    else:
        say(f"{made.key.person.name} has the key {made.key.name}.")
        say(f"Key, shown only now: {made.text}")


def list_keys(services: Services, options: argparse.Namespace) -> None:
    keys = services.keys.list(None)
    if options.person:
        keys = [key for key in keys if key.person.name == same_name(options.person)]
    show_rows(
        [row_here(KEY, key) for key in keys],
        as_json=options.json,
        nothing="There is no key: ./winux key add PERSON NAME",
    )


def revoke_key(services: Services, options: argparse.Namespace) -> None:
    prefix = options.prefix.removeprefix("wx_").partition("_")[0]
    key = next((key for key in services.keys.list(None) if key.prefix == prefix), None)
    if key is None:
        raise NotFound("key_prefix", prefix=prefix[:32])
    services.keys.revoke(OPERATOR, key.id)
    if options.json:
        show_one(row_here(KEY, key), as_json=True)
    else:
        say(f"The key {key.name} of {key.person.name} works no more.")
