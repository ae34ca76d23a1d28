"""`./winux person …`"""

import argparse
import getpass
import sys
from collections.abc import Callable
from typing import TypeAlias

from webapp.bootstrap import Services
from webapp.cli.actor import OPERATOR, Commands
from webapp.cli.fields import PERSON, row_here
from webapp.cli.output import say, show_one, show_rows
from webapp.domain.errors import BadInput
from webapp.domain.people.passwords import make_password
from webapp.domain.people.roles import Role

Run: TypeAlias = Callable[[Services, argparse.Namespace], None]


def add_to(commands: Commands, shared: argparse.ArgumentParser) -> None:
    """Adds the command and its subcommands."""
    group = commands.add_parser("person", help="people who may sign in").add_subparsers(
        metavar="COMMAND", required=True
    )
    add = group.add_parser("add", parents=[shared], help="make an account")
    add.add_argument("name", help="what they sign in with")
    add.add_argument("--role", choices=[role.value for role in Role], default=Role.PERSON.value)
    add.add_argument("--admin", action="store_true", help="the same as --role admin")
    _add_password_choices(add)
    add.set_defaults(run=add_person)
    passwd = group.add_parser("passwd", parents=[shared], help="set a new password")
    passwd.add_argument("name")
    _add_password_choices(passwd)
    passwd.set_defaults(run=set_password)
    role = group.add_parser("role", parents=[shared], help="give another role")
    role.add_argument("name")
    role.add_argument("role", choices=[role.value for role in Role])
    role.set_defaults(run=set_role)
    for word, run, words in (
        ("suspend", suspend, "block the account; sign-ins, keys and connections end"),
        ("restore", restore, "let them sign in again; their keys stay revoked"),
        ("sign-out", end_everything, "end their sign-ins, keys and connections"),
    ):
        _add_name(group.add_parser(word, parents=[shared], help=words), run)
    for word, run in (("disable", suspend), ("enable", restore)):
        # the words of earlier releases, which no help lists
        _add_name(group.add_parser(word, parents=[shared]), run)
    listing = group.add_parser("list", parents=[shared], help="everyone")
    listing.set_defaults(run=list_people)


def _add_name(command: argparse.ArgumentParser, run: Run) -> None:
    command.add_argument("name")
    command.set_defaults(run=run)


def _add_password_choices(parser: argparse.ArgumentParser) -> None:
    choices = parser.add_mutually_exclusive_group()
    choices.add_argument("--generate", action="store_true", help="make a password and show it once")
    choices.add_argument(
        "--password-stdin", action="store_true", help="read it from standard input (one line)"
    )


def add_person(services: Services, options: argparse.Namespace) -> None:
    password = _password(options)
    role = Role.ADMIN if options.admin else Role(options.role)
    services.accounts.add_person(OPERATOR, options.name, password, role=role)
    _tell(options, password, f"{options.name} can sign in now.")


def set_password(services: Services, options: argparse.Namespace) -> None:
    password = _password(options)
    services.accounts.set_password(OPERATOR, options.name, password)
    _tell(
        options,
        password,
        f"{options.name} has a new password, was signed out everywhere, and has no keys.",
    )


def set_role(services: Services, options: argparse.Namespace) -> None:
    services.role_changes.set_role(OPERATOR, options.name, Role(options.role))
    _done(options, f"{options.name} has the role {options.role} from now on.")


def suspend(services: Services, options: argparse.Namespace) -> None:
    services.accounts.suspend(OPERATOR, options.name)
    _done(options, f"{options.name} is suspended and cannot sign in.")


def restore(services: Services, options: argparse.Namespace) -> None:
    services.accounts.restore(OPERATOR, options.name)
    _done(options, f"{options.name} can sign in again.")


def end_everything(services: Services, options: argparse.Namespace) -> None:
    services.own_account.end_everything(OPERATOR, options.name)
    _done(options, f"{options.name} is signed out everywhere; their keys are revoked.")


def list_people(services: Services, options: argparse.Namespace) -> None:
    rows = [row_here(PERSON, person) for person in services.accounts.people()]
    show_rows(rows, as_json=options.json, nothing="There is nobody yet: ./winux person add NAME")


def _password(options: argparse.Namespace) -> str:
    if options.generate:
        return make_password()
    if options.password_stdin:
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass("New password: ")
    if getpass.getpass("The same again: ") != first:
        raise BadInput("password", "passwords_differ")
    return first


def _tell(options: argparse.Namespace, password: str, text: str) -> None:
    """Prints the result, with a generated password, which is shown only this once."""
    if options.json:
        shown = {"password": password} if options.generate else {}
        show_one({"name": options.name, **shown}, as_json=True)
        return
    say(text)
    if options.generate:
        say(f"Password, shown only now: {password}")


def _done(options: argparse.Namespace, text: str) -> None:
    if options.json:
        show_one({"name": options.name}, as_json=True)
    else:
        say(text)
