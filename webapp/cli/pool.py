"""`./winux pool …`"""

import argparse

from webapp.bootstrap import Services
from webapp.cli.actor import OPERATOR, Commands
from webapp.cli.fields import POOL, row_here
from webapp.cli.output import say, show_one, show_rows
from webapp.domain.pool.schedule import weekdays_text
from webapp.services.pool.plan import PoolView
from webapp.services.pool.settings import NUMBERS, ScheduleRequest


def add_to(commands: Commands, shared: argparse.ArgumentParser) -> None:
    """Adds the command and its subcommands."""
    group = commands.add_parser("pool", help="desktops built ahead of need").add_subparsers(
        metavar="COMMAND", required=True
    )
    listing = group.add_parser("list", parents=[shared], help="how many are there, wanted, and why")
    listing.set_defaults(run=list_pools)
    change = group.add_parser("set", parents=[shared], help="how many are kept")
    change.add_argument("template")
    for name, (lowest, highest) in NUMBERS.items():
        option = "--" + name.replace("_", "-")
        change.add_argument(option, type=int, metavar="N", help=f"{lowest} to {highest}")
    change.add_argument(
        "--follows-demand",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="whether it grows and shrinks with the launches of the last hour",
    )
    change.set_defaults(run=set_pool)
    drain = group.add_parser("drain", parents=[shared], help="build all warm desktops anew")
    drain.add_argument("template")
    drain.set_defaults(run=drain_pool)
    _add_schedules(group, shared)


def _add_schedules(group: Commands, shared: argparse.ArgumentParser) -> None:
    schedule = group.add_parser("schedule", help="so many at such times").add_subparsers(
        metavar="COMMAND", required=True
    )
    listing = schedule.add_parser("list", parents=[shared], help="all schedules")
    listing.set_defaults(run=list_schedules)
    add = schedule.add_parser("add", parents=[shared], help="weekly hours, or a date")
    add.add_argument("template")
    add.add_argument("--desktops", type=int, required=True, metavar="N")
    when = add.add_mutually_exclusive_group(required=True)
    when.add_argument("--every", default="", metavar="DAYS", help="mon-fri; mon,wed; daily")
    when.add_argument("--on", default="", metavar="DATE", help="such as 2026-03-02")
    add.add_argument("--from", dest="begins", required=True, metavar="TIME", help="10:00")
    add.add_argument("--to", dest="ends", required=True, metavar="TIME", help="12:00")
    add.add_argument("--in-all", action="store_true", help="those taken are not built again")
    add.set_defaults(run=add_schedule)
    remove = schedule.add_parser("remove", parents=[shared], help="forget one")
    remove.add_argument("id", type=int)
    remove.set_defaults(run=remove_schedule)


def list_pools(services: Services, options: argparse.Namespace) -> None:
    rows = [_row(view) for view in services.pools.all()]
    show_rows(rows, as_json=options.json, nothing="No template is published yet.")


def _row(view: PoolView) -> dict[str, object]:
    """Return a pool's fields, with one that only this machine shows."""
    return row_here(POOL, view) | {"max_age_minutes": view.template.pool_max_age_minutes}


def set_pool(services: Services, options: argparse.Namespace) -> None:
    given = {name: getattr(options, name) for name in [*NUMBERS, "follows_demand"]}
    values = {name: value for name, value in given.items() if value is not None}
    services.pools.change(OPERATOR, options.template, values)
    view = services.pools.one(options.template)
    if options.json:
        show_one(_row(view), as_json=True)
    else:
        say(f"The pool of {options.template} wants {view.size.desktops}. {view.size.why}")


def drain_pool(services: Services, options: argparse.Namespace) -> None:
    count = services.pools.drain(OPERATOR, options.template)
    if options.json:
        show_one({"template": options.template, "drained": count}, as_json=True)
    else:
        say(f"{count} of {options.template} go; as many as are wanted are built anew.")


def list_schedules(services: Services, options: argparse.Namespace) -> None:
    now, zone = services.clock.now(), services.config.time_zone
    rows = []
    for view in services.pools.all():
        for row in view.schedules:
            window = row.schedule.window(zone, now)
            rows.append(
                {
                    "id": row.id,
                    "template": view.template.name,
                    "desktops": row.desktops,
                    "in_all": row.in_all,
                    "days": str(row.on_date or weekdays_text(row.schedule.weekdays)),
                    "from": f"{row.begins:%H:%M}",
                    "to": f"{row.ends:%H:%M}",
                    "next_at": window.begins_at if window else None,
                }
            )
    show_rows(rows, as_json=options.json, nothing="There is no schedule.")


def add_schedule(services: Services, options: argparse.Namespace) -> None:
    wish = ScheduleRequest(
        options.desktops, options.begins, options.ends, options.every, options.on, options.in_all
    )
    schedule_id = services.pools.add_schedule(OPERATOR, options.template, wish)
    if options.json:
        show_one({"id": schedule_id, "template": options.template}, as_json=True)
    else:
        zone = services.config.time_zone
        say(f"Schedule {schedule_id} is planned; its times are those of {zone}.")


def remove_schedule(services: Services, options: argparse.Namespace) -> None:
    name = services.pools.remove_schedule(OPERATOR, options.id)
    if options.json:
        show_one({"id": options.id, "template": name}, as_json=True)
    else:
        say(f"Schedule {options.id} of {name} is forgotten.")
