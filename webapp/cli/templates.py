"""`./winux template …`"""

import argparse
import json
from pathlib import Path

from webapp.bootstrap import Services
from webapp.cli.actor import OPERATOR, Commands
from webapp.cli.fields import TEMPLATE, TEMPLATE_COLUMNS, TemplateRow, only, row_here
from webapp.cli.output import say, show_one, show_rows
from webapp.domain.errors import Refused
from webapp.services.templates.catalogue import NUMBERS, TEXTS

LARGEST_RESULT = 64 << 10


def add_to(commands: Commands, shared: argparse.ArgumentParser) -> None:
    """Adds the command and its subcommands."""
    group = commands.add_parser("template", help="what people can launch").add_subparsers(
        metavar="COMMAND", required=True
    )
    listing = group.add_parser("list", parents=[shared], help="all templates")
    listing.set_defaults(run=list_templates)
    publish = group.add_parser(
        "publish", parents=[shared], help="offer a version that template-build.yml made"
    )
    publish.add_argument("--name")
    publish.add_argument("--vmid", type=int)
    publish.add_argument("--version")
    publish.add_argument(
        "--from",
        dest="result",
        type=Path,
        metavar="FILE",
        help="name, vmid and version from the result_file of template-build.yml",
    )
    publish.add_argument(
        "--node", metavar="NAME", help="where it is; one more replica of a version that is offered"
    )
    publish.set_defaults(run=publish_template)
    change = group.add_parser("set", parents=[shared], help="change what a template gives")
    change.add_argument("name")
    change.set_defaults(run=set_template)
    for parser in (publish, change):
        _add_values(parser)


def _add_values(parser: argparse.ArgumentParser) -> None:
    """Adds an option for each value of a template that can be set."""
    for name in TEXTS.keys() - {"version"}:
        parser.add_argument(_option(name), metavar="TEXT")
    for name in NUMBERS.keys() - {"vmid"}:
        lowest, highest = NUMBERS[name]
        parser.add_argument(_option(name), type=int, metavar="N", help=f"{lowest} to {highest}")
    for option, name, words in (
        ("--nesting", "nesting", "containers inside the desktop"),
        ("--enabled", "is_enabled", "whether it can be launched"),
    ):
        parser.add_argument(
            option, dest=name, action=argparse.BooleanOptionalAction, default=None, help=words
        )


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def list_templates(services: Services, options: argparse.Namespace) -> None:
    offers = {offer.template.id: offer for offer in services.reports.offers()}
    gates = services.capacity.gates()
    rows = [
        _row(TemplateRow(one, offers.get(one.id), gates.get(one.id)))
        for one in services.catalogue.all()
    ]
    if not options.json:
        rows = [only(row, [*TEMPLATE_COLUMNS, "vmid", "is_enabled"]) for row in rows]
    show_rows(rows, as_json=options.json, nothing="No template is published yet.")


def _row(row: TemplateRow) -> dict[str, object]:
    """Return a template's fields, with those that only this machine shows."""
    template = row.template
    return row_here(TEMPLATE, row) | {
        "vmid": template.vmid,
        "is_enabled": template.is_enabled,
        "swap_mb": template.swap_mb,
        "nesting": template.nesting,
        "max_pause_minutes": template.max_pause_minutes,
        "published_at": template.published_at,
    }


def publish_template(services: Services, options: argparse.Namespace) -> None:
    _take_result(options)
    values = _values(options)
    services.catalogue.publish(
        OPERATOR, options.name, options.vmid, options.version, values, options.node
    )
    _done(options, f"{options.name} {options.version} can be launched now.")


def _take_result(options: argparse.Namespace) -> None:
    """Fills in missing options from the file that the build wrote."""
    told = _result(options.result) if options.result else {}
    for name in ("name", "vmid", "version"):
        value = getattr(options, name)
        value = told.get(name) if value is None else value
        if not isinstance(value, int if name == "vmid" else str):
            raise Refused("no_template.option", option=name)
        setattr(options, name, value)


def _result(file: Path) -> dict[str, object]:
    try:
        with file.open("rb") as opened:
            told = json.loads(opened.read(LARGEST_RESULT))
    except (OSError, ValueError) as error:
        raise Refused("no_template.unreadable", file=str(file), trouble=str(error)) from error
    if not isinstance(told, dict):
        raise Refused("no_template.not_a_result", file=str(file))
    return told


def set_template(services: Services, options: argparse.Namespace) -> None:
    services.catalogue.change(OPERATOR, options.name, _values(options))
    _done(options, f"New desktops of {options.name} get that from now on.")


def _values(options: argparse.Namespace) -> dict[str, object]:
    names = (TEXTS.keys() | NUMBERS.keys() | {"nesting", "is_enabled"}) - {"vmid", "version"}
    given = {name: getattr(options, name) for name in names}
    return {name: value for name, value in given.items() if value is not None}


def _done(options: argparse.Namespace, text: str) -> None:
    if options.json:
        show_one({"name": options.name}, as_json=True)
    else:
        say(text)
