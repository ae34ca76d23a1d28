"""`./winux --url URL template|capacity|pool|person|audit|status|cleanup`: the site as a whole."""

import argparse
import sys

from webapp.cli.exits import DONE, REFUSED
from webapp.cli.operator import Commands
from webapp.cli.output import say
from webapp.cli.remote.client import ApiProblem, Client
from webapp.cli.remote.printing import print_one, print_rows
from webapp.models import Role


def add_to(commands: Commands, shared: argparse.ArgumentParser) -> None:
    """The commands."""
    for name, words, what, run in (
        ("template", "what can be launched", "all of them", list_templates),
        ("pool", "desktops built ahead of need", "each template's", list_pools),
    ):
        group = commands.add_parser(name, help=words)
        kinds = group.add_subparsers(metavar="COMMAND", required=True)
        listing = kinds.add_parser("list", parents=[shared], help=what)
        listing.set_defaults(run=run)
    _add_people(commands, shared)
    _add_audit(commands, shared)
    capacity = commands.add_parser("capacity", parents=[shared], help="how many more desktops fit")
    capacity.set_defaults(run=show_capacity)
    status = commands.add_parser("status", parents=[shared], help="is the site well? 1 if not")
    status.set_defaults(run=show_status)
    cleanup = commands.add_parser("cleanup", parents=[shared], help="end what is over its time")
    cleanup.set_defaults(run=clean_up)


def _add_people(commands: Commands, shared: argparse.ArgumentParser) -> None:
    kinds = commands.add_parser("person", help="people who may sign in").add_subparsers(
        metavar="COMMAND", required=True
    )
    listing = kinds.add_parser("list", parents=[shared], help="everyone")
    listing.set_defaults(run=list_people)
    add = kinds.add_parser("add", parents=[shared], help="make an account")
    add.add_argument("name")
    add.add_argument("--role", choices=[role.value for role in Role], default=Role.PERSON.value)
    add.add_argument(
        "--password-stdin", action="store_true", required=True, help="one line of standard input"
    )
    add.set_defaults(run=add_person)
    for word, words in (("suspend", "nobody signs in as them"), ("resume", "undo suspend")):
        command = kinds.add_parser(word, parents=[shared], help=words)
        command.add_argument("name")
        command.set_defaults(run=suspend_person, word=word)


def _add_audit(commands: Commands, shared: argparse.ArgumentParser) -> None:
    group = commands.add_parser("audit", help="who did what, and what was refused")
    kinds = group.add_subparsers(metavar="COMMAND", required=True)
    listing = kinds.add_parser("list", parents=[shared], help="the newest entries")
    listing.add_argument("--limit", type=int, default=50)
    export = kinds.add_parser("export", help="all entries, to standard output")
    export.add_argument("--format", choices=("csv", "json"), default="csv")
    for command, run in ((listing, list_audit), (export, export_audit)):
        command.add_argument("--person", default="")
        command.add_argument("--action", default="")
        command.add_argument("--object", default="")
        command.add_argument("--from", dest="since", default="")
        command.add_argument("--to", dest="until", default="")
        command.set_defaults(run=run)


def list_templates(client: Client, options: argparse.Namespace) -> None:
    print_rows(client.rows("/templates"), options, nothing="There is no template.")


def list_pools(client: Client, options: argparse.Namespace) -> None:
    print_rows(client.rows("/pool"), options, nothing="There is no pool.")


def list_people(client: Client, options: argparse.Namespace) -> None:
    print_rows(client.rows("/people"), options, nothing="There is nobody.")


def add_person(client: Client, options: argparse.Namespace) -> None:
    password = sys.stdin.readline().rstrip("\n")
    wish = {"name": options.name, "role": options.role, "password": password}
    print_one(client.post("/people", wish), options)


def suspend_person(client: Client, options: argparse.Namespace) -> None:
    answer = client.post(f"/people/{options.name}/{options.word}")
    print_one(answer or {"name": options.name}, options)


def list_audit(client: Client, options: argparse.Namespace) -> None:
    rows = client.rows("/audit", most=options.limit, **_filters(options))
    columns = "at person action object reason detail source_address".split()
    print_rows(rows, options, columns, nothing="No entry matches.")


def export_audit(client: Client, options: argparse.Namespace) -> None:
    filters = _filters(options)
    sys.stdout.write(client.text("/audit/export", format=options.format, **filters))


def _filters(options: argparse.Namespace) -> dict[str, str]:
    return {
        "person": options.person,
        "action": options.action,
        "object": options.object,
        "from": options.since,
        "to": options.until,
    }


def show_capacity(client: Client, options: argparse.Namespace) -> None:
    answer = client.get("/capacity")
    if options.json or not isinstance(answer.get("templates"), list):
        print_one(answer, options)
    else:
        print_rows(answer["templates"], options, nothing="There is no template.")


def show_status(client: Client, options: argparse.Namespace) -> int:
    try:
        answer = client.get("/status")
    except ApiProblem as problem:
        if "troubles" not in problem.document:
            raise
        answer = dict(problem.document)
    print_one(answer, options)
    if not options.json:
        for part, trouble in answer["troubles"].items():
            say(f"{part}: {trouble}")
    return REFUSED if answer["troubles"] else DONE


def clean_up(client: Client, options: argparse.Namespace) -> None:
    print_one(client.post("/cleanup"), options)
