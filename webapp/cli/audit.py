"""`./winux audit …`"""

import argparse
import sys

from webapp.bootstrap import Services
from webapp.cli.actor import OPERATOR, Commands
from webapp.cli.fields import AUDIT, row_here
from webapp.cli.output import show_rows
from webapp.domain.audit.actions import OPERATOR_ROLE, parse_moment
from webapp.services.audit.export import KINDS, english_detail
from webapp.services.audit.log import LARGEST_PAGE, MACHINE, WINUX, AuditFilter, AuditLine


def add_to(commands: Commands, shared: argparse.ArgumentParser) -> None:
    """Adds the command and its subcommands."""
    group = commands.add_parser("audit", help="who did what, and what was refused")
    kinds = group.add_subparsers(metavar="COMMAND", required=True)
    listing = kinds.add_parser("list", parents=[shared], help="the newest entries")
    listing.add_argument("--limit", type=int, default=50, help="how many; 50 unless told")
    _add_filters(listing)
    listing.set_defaults(run=list_entries)
    export = kinds.add_parser("export", help="all entries, to standard output")
    export.add_argument("--format", choices=sorted(KINDS), default="csv")
    _add_filters(export)
    export.set_defaults(run=export_entries)


def _add_filters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--person", default="", help=f"who acted; also {WINUX} or {MACHINE}")
    parser.add_argument("--action", default="", help="such as desktop.launch, or desktop for all")
    parser.add_argument("--object", default="", help="the thing, such as desktop-a1b2c3d4")
    parser.add_argument("--key", default="", help="what the API key begins with")
    parser.add_argument("--refused", action="store_true", help="refusals only")
    parser.add_argument("--from", dest="since", default="", help="a day or a time, in UTC")
    parser.add_argument("--to", dest="until", default="", help="a day or a time, in UTC")


def list_entries(services: Services, options: argparse.Namespace) -> None:
    size = min(options.limit, LARGEST_PAGE)
    lines = services.audit_log.page(_filter(options), size=size).lines
    rows = [row_here(AUDIT, line) if options.json else _row(line) for line in lines]
    show_rows(rows, as_json=options.json, nothing="No entry matches.")


def export_entries(services: Services, options: argparse.Namespace) -> None:
    write, _ = KINDS[options.format]
    for text in write(services.audit_log.export(OPERATOR, _filter(options), options.format)):
        sys.stdout.write(text)


def _filter(options: argparse.Namespace) -> AuditFilter:
    return AuditFilter(
        person=options.person,
        action=options.action,
        subject=options.object,
        refused_only=options.refused,
        since=parse_moment("from", options.since),
        until=parse_moment("to", options.until, is_end=True),
        key=options.key.removeprefix("wx_").partition("_")[0],
    )


def _row(line: AuditLine) -> dict[str, object]:
    nobody = "the machine" if line.role == OPERATOR_ROLE else "Winux"
    return {
        "at": line.at,
        "who": line.person or nobody,
        "action": line.action,
        "object": line.subject,
        "refused": line.reason,
        "times": line.times,
        "last_at": line.last_at,
        "detail": english_detail(line),
        "from": line.source_address,
    }
