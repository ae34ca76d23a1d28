"""`./winux --url URL template|capacity|pool|person|audit|status|cleanup`: the site as a whole."""

import argparse
import csv
import json
import sys
import time
from typing import Any

from webapp.cli.actor import Commands
from webapp.cli.exit_codes import DONE, REFUSED, UNREACHABLE
from webapp.cli.fields import AUDIT, AUDIT_COLUMNS, PERSON, POOL, TEMPLATE, TEMPLATE_COLUMNS
from webapp.cli.output import say
from webapp.cli.remote.client import ApiProblem, Client
from webapp.cli.remote.printing import print_one, print_rows
from webapp.domain.audit.actions import parse_moment
from webapp.domain.people.roles import Role
from webapp.services.audit.export import FORMULA

#: How long to wait for a cleanup.
CLEANUP_SECONDS = 120


def add_to(commands: Commands, shared: argparse.ArgumentParser) -> None:
    """Adds the commands."""
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
    role = kinds.add_parser("role", parents=[shared], help="give another role")
    role.add_argument("name")
    role.add_argument("role", choices=[role.value for role in Role])
    role.set_defaults(run=set_role)
    for word, words in (("suspend", "nobody signs in as them"), ("restore", "undo suspend")):
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
        command.add_argument("--refused", action="store_true", help="refusals only")
        command.add_argument("--from", dest="since", default="")
        command.add_argument("--to", dest="until", default="")
        command.set_defaults(run=run)


def list_templates(client: Client, options: argparse.Namespace) -> None:
    rows, nothing = client.all("/templates"), "There is no template."
    print_rows(rows, options, TEMPLATE_COLUMNS, fields=TEMPLATE, nothing=nothing)


def list_pools(client: Client, options: argparse.Namespace) -> None:
    print_rows(client.all("/pool"), options, fields=POOL, nothing="There is no pool.")


def list_people(client: Client, options: argparse.Namespace) -> None:
    print_rows(client.rows("/people"), options, fields=PERSON, nothing="There is nobody.")


def add_person(client: Client, options: argparse.Namespace) -> None:
    password = sys.stdin.readline().rstrip("\n")
    wish = {"name": options.name, "role": options.role, "password": password}
    print_one(client.post("/people", wish), options, PERSON)


def set_role(client: Client, options: argparse.Namespace) -> None:
    person = client.put(f"/people/{options.name}/role", {"role": options.role})
    print_one(person, options, PERSON)


def suspend_person(client: Client, options: argparse.Namespace) -> None:
    answer = client.post(f"/people/{options.name}/{options.word}")
    print_one(answer or {"name": options.name}, options, PERSON if answer else ())


def list_audit(client: Client, options: argparse.Namespace) -> None:
    rows = client.rows("/audit", most=options.limit, **_filters(options))
    print_rows(rows, options, AUDIT_COLUMNS, fields=AUDIT, nothing="No entry matches.")


def export_audit(client: Client, options: argparse.Namespace) -> None:
    """Exports page by page, so that the length is not limited."""
    rows = client.stream("/audit", **_filters(options))
    if options.format == "json":
        for row in rows:
            say(json.dumps(row))
        return
    writer = None
    for row in rows:
        if writer is None:
            writer = csv.DictWriter(sys.stdout, list(row))
            writer.writeheader()
        writer.writerow({name: _cell(value) for name, value in row.items()})


def _cell(value: object) -> str:
    """Prefixes text that a spreadsheet would evaluate as a formula with `'`, as the page does."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def _filters(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "person": options.person,
        "action": options.action,
        "subject": options.object,
        "refused": options.refused,
        "since": parse_moment("from", options.since),
        "until": parse_moment("to", options.until, is_end=True),
    }


def show_capacity(client: Client, options: argparse.Namespace) -> None:
    print_rows(client.all("/capacity"), options, nothing="There is no template.")


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


def clean_up(client: Client, options: argparse.Namespace) -> int:
    """Waits for the worker process that does the cleanup."""
    done = client.post("/cleanup")
    until = time.monotonic() + CLEANUP_SECONDS
    while done["status"] in ("asked", "working") and time.monotonic() < until:
        time.sleep(1)
        done = client.get(f"/cleanup/{done['cleanup']}")
    print_one(done, options)
    for deed in [] if options.json else done["did"]:
        say(f"{deed['action']} {deed['subject']} {deed['detail']}".rstrip())
    return DONE if done["status"] == "done" else UNREACHABLE
