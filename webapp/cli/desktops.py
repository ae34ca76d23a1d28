"""`./winux desktop …`"""

import argparse
import sys

from webapp.bootstrap import Services
from webapp.cli.actor import OPERATOR, Commands
from webapp.cli.fields import DESKTOP_COLUMNS, desktop_fields, only, row_here
from webapp.cli.output import say, show_one, show_rows
from webapp.domain.errors import BadInput, Refused
from webapp.domain.states import State
from webapp.models import Desktop
from webapp.services.desktops.views import DesktopFilter
from webapp.services.provisioning.adopt import AdoptionRequest


def add_to(commands: Commands, shared: argparse.ArgumentParser) -> None:
    """Adds the command and its subcommands."""
    group = commands.add_parser("desktop", help="desktops of everybody").add_subparsers(
        metavar="COMMAND", required=True
    )
    listing = group.add_parser("list", parents=[shared], help="all that have not ended")
    listing.add_argument("--all", action="store_true", help="those that ended too")
    listing.add_argument("--match", default="", help="part of an id, a person's name, an address")
    listing.set_defaults(run=list_desktops)
    show = group.add_parser("show", parents=[shared], help="all that is known of one")
    show.add_argument("id")
    show.set_defaults(run=show_desktop)
    hosts = group.add_parser("hosts", help="their names and addresses, as lines of a hosts file")
    hosts.set_defaults(run=show_hosts)
    stop = group.add_parser("stop", parents=[shared], help="end one or several")
    stop.add_argument("ids", nargs="+", metavar="id")
    stop.set_defaults(run=stop_desktops)
    extend = group.add_parser("extend", parents=[shared], help="give one more time")
    extend.add_argument("id")
    extend.add_argument("minutes", type=int)
    extend.set_defaults(run=extend_desktop)
    pause = group.add_parser("pause", parents=[shared], help="shut one or several down, keep them")
    pause.add_argument("ids", nargs="+", metavar="id")
    pause.set_defaults(run=pause_desktops)
    resume = group.add_parser("resume", parents=[shared], help="start paused ones again")
    resume.add_argument("ids", nargs="+", metavar="id")
    resume.set_defaults(run=resume_desktops)
    adopt = group.add_parser("adopt", parents=[shared], help="take over one that was made by hand")
    adopt.add_argument("vmid", type=int, help="its container's id")
    adopt.add_argument("--owner", required=True, help="whose it becomes")
    adopt.add_argument("--template", help="whose limits it gets; the first one if not given")
    adopt.add_argument("--minutes", type=int, help="from now to its end")
    adopt.add_argument("--username", help="the account that it was made with: desktop")
    adopt.add_argument("--keyboard", help="keyboard layout, as XKB names it")
    adopt.add_argument(
        "--password-stdin", action="store_true", help="read its new password, one line"
    )
    adopt.set_defaults(run=adopt_desktop)


def list_desktops(services: Services, options: argparse.Namespace) -> None:
    states = frozenset(State) if options.all else frozenset(State) - {State.ENDED}
    rows = [_row(services, desktop) for desktop in _all(services, options.match, states)]
    if not options.json:
        rows = [only(row, [*DESKTOP_COLUMNS, "node", "vmid"]) for row in rows]
    show_rows(rows, as_json=options.json, nothing="There is no desktop.")


def show_desktop(services: Services, options: argparse.Namespace) -> None:
    desktop = services.reports.desktop(OPERATOR, options.id)
    steps = [f"{step.name} {step.started_at:%H:%M:%S}" for step in desktop.steps]
    more = {
        "minutes": desktop.minutes,
        "build_started_at": desktop.build_started_at,
        "paused_at": desktop.paused_at,
        "steps": steps if options.json else ", ".join(steps),
        "ssh_host_key_sha256": desktop.ssh_host_key_sha256,
        "rdp_certificate_sha256": desktop.rdp_certificate_sha256,
        "teardown_tries": desktop.attempts,
        "worked_by": desktop.worked_by,
        "guest_trouble": desktop.guest_trouble,
        "bad_answers": desktop.guest_failures,
        "asked_again_at": desktop.ask_again_at,
        "failure": desktop.failure,
        "failure_reason": desktop.failure_reason,
        "failure_log": desktop.failure_log,
    }
    show_one(_row(services, desktop) | more, as_json=options.json)


def show_hosts(services: Services, options: argparse.Namespace) -> None:
    """For a DNS server on another machine; here a worker writes WINUX_HOSTS_FILE."""
    if not services.config.desktop_domain:
        raise Refused("no_domain")
    sys.stdout.write(services.host_names.lines())


def stop_desktops(services: Services, options: argparse.Namespace) -> None:
    for public_id in options.ids:
        services.lifetime.stop(OPERATOR, public_id)
        if not options.json:
            say(f"{public_id} will be gone in a moment.")
    _show_as_json(services, options)


def extend_desktop(services: Services, options: argparse.Namespace) -> None:
    services.lifetime.extend(OPERATOR, options.id, options.minutes)
    row = _row(services, services.reports.desktop(OPERATOR, options.id))
    show_one(row if options.json else only(row, ["id", "deadline_at"]), as_json=options.json)


def pause_desktops(services: Services, options: argparse.Namespace) -> None:
    for public_id in options.ids:
        until = services.pauses.pause(OPERATOR, public_id)
        if not options.json and until:
            say(f"{public_id} is being paused; it is kept until {until:%Y-%m-%d %H:%M} UTC.")
    _show_as_json(services, options)


def resume_desktops(services: Services, options: argparse.Namespace) -> None:
    for public_id in options.ids:
        services.pauses.resume(OPERATOR, public_id)
        if not options.json:
            say(f"{public_id} will be ready in a moment.")
    _show_as_json(services, options)


def _show_as_json(services: Services, options: argparse.Namespace) -> None:
    """Print the desktops after a command that changed them."""
    if options.json:
        desktops = [services.reports.desktop(OPERATOR, one) for one in options.ids]
        show_rows([_row(services, one) for one in desktops], as_json=True, nothing="")


def adopt_desktop(services: Services, options: argparse.Namespace) -> None:
    """A generated password is shown to the owner only; a given one is already known."""
    from webapp.bootstrap_worker import build_worker_services
    from webapp.worker.loop import worker_name

    adopter = build_worker_services(services, worker_name()).adopter
    wish = AdoptionRequest(
        vmid=options.vmid,
        owner=options.owner,
        template=options.template,
        minutes=options.minutes,
        rdp_username=options.username,
        keyboard_layout=options.keyboard,
        password=_given_password() if options.password_stdin else None,
    )
    desktop = adopter.adopt(OPERATOR, wish)
    if options.json:
        show_one(_row(services, desktop), as_json=True)
    else:
        say(f"{desktop.public_id} is {options.owner}'s now; its page shows the password.")


def _given_password() -> str:
    password = sys.stdin.readline().rstrip("\n")
    if not 8 <= len(password) <= 128 or not password.isprintable() or ":" in password:
        raise BadInput("password", "desktop_password")
    return password


def _all(services: Services, text: str, states: frozenset[State]) -> list[Desktop]:
    rows: list[Desktop] = []
    number = 1
    while True:
        page = services.reports.all_desktops(DesktopFilter(text=text, states=states, page=number))
        rows += page.rows
        if number >= page.pages:
            return rows
        number += 1


def _row(services: Services, desktop: Desktop) -> dict[str, object]:
    """Return a desktop's fields, with those that only this machine shows."""
    fields = desktop_fields(services.config.desktop_domain)
    return row_here(fields, desktop) | {"node": desktop.node, "vmid": desktop.vmid}
