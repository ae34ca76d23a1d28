"""`./winux --url URL desktop …`: launch, follow, use and end desktops."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from webapp.cli.actor import Commands
from webapp.cli.exit_codes import DONE, REFUSED
from webapp.cli.fields import DESKTOP_COLUMNS, desktop_fields
from webapp.cli.output import complain, say
from webapp.cli.remote.client import Client, StreamEvent
from webapp.cli.remote.printing import print_one, print_rows
from webapp.domain.states import State

DESKTOP = desktop_fields()
CREDENTIALS = [one for one in DESKTOP if one.name in ("id", "fqdn", "address", "port")]

_OVER = ("failed", "stopping", "ended")


def add_to(commands: Commands, shared: argparse.ArgumentParser) -> None:
    """Adds the command and its subcommands."""
    group = commands.add_parser("desktop", aliases=["session"], help="your desktops")
    kinds = group.add_subparsers(metavar="COMMAND", required=True)
    launch = kinds.add_parser("launch", parents=[shared], help="make one")
    launch.add_argument("--template", help="the first one by name if not given")
    launch.add_argument("--minutes", type=int, help="how long")
    launch.add_argument("--username", help="user name inside")
    launch.add_argument("--keyboard", help="keyboard layout, as XKB names it")
    launch.add_argument("--reuse", action="store_true", help="take the one that runs already")
    launch.add_argument(
        "--make-room", metavar="WAY", help="close_oldest, or close_session:ID, at a limit"
    )
    launch.add_argument("--wait", action="store_true", help="until it is ready; shows its password")
    launch.set_defaults(run=launch_session)
    listing = kinds.add_parser("list", parents=[shared], help="yours; for admin keys everybody's")
    listing.add_argument("--all", action="store_true", help="those that ended too")
    listing.add_argument("--mine", action="store_true", help="yours only")
    listing.add_argument("--status", help="only these states, with commas between")
    listing.add_argument("--owner", help="only that person's")
    listing.add_argument("--template", help="only of that template")
    listing.set_defaults(run=list_sessions)
    for word, run, words in (
        ("show", show_session, "all that is known of one"),
        ("credentials", show_credentials, "how to open it, with the password"),
        ("watch", watch_session, "what happens to it, until its end"),
    ):
        command = kinds.add_parser(word, parents=[shared], help=words)
        command.add_argument("id")
        command.set_defaults(run=run)
        if word == "watch":
            command.add_argument("--until-ready", action="store_true", help="until it can be used")
    stop = kinds.add_parser("stop", parents=[shared], help="end one or several")
    stop.add_argument("ids", nargs="+", metavar="id")
    stop.set_defaults(run=stop_sessions)
    for word, words in (("pause", "keep it, switched off"), ("resume", "start it again")):
        command = kinds.add_parser(word, parents=[shared], help=words)
        command.add_argument("id")
        command.set_defaults(run=pause_session, word=word)
    extend = kinds.add_parser("extend", parents=[shared], help="give one more time")
    extend.add_argument("id")
    extend.add_argument("minutes", type=int)
    extend.set_defaults(run=extend_session)
    file = kinds.add_parser("rdp-file", help="the file that RDP programs open")
    file.add_argument("id")
    file.add_argument("--output", type=Path, help="where it goes; standard output if not given")
    file.set_defaults(run=save_rdp_file)


def launch_session(client: Client, options: argparse.Namespace) -> int:
    wish = {
        "template": options.template,
        "duration_minutes": options.minutes,
        "rdp_username": options.username,
        "keyboard_layout": options.keyboard,
        "make_room": options.make_room,
        "reuse": options.reuse or None,
    }
    body = {name: value for name, value in wish.items() if value is not None}
    session = client.post("/sessions", body)
    if options.wait and session["status"] != "ready":
        if not _follow(client, session, until_ready=True, as_json=None):
            complain(f"{session['session_sub']} did not become ready.")
            return REFUSED
        session = client.get(f"/sessions/{session['session_sub']}")
    if options.wait and not session.get("rdp_password"):
        session |= client.post(f"/sessions/{session['session_sub']}/credentials")
    print_one(session, options, DESKTOP)
    return DONE


def list_sessions(client: Client, options: argparse.Namespace) -> None:
    live = ",".join(state for state in State if state is not State.ENDED)
    status = options.status or (None if options.all else live)
    rows = client.rows(
        "/sessions",
        status=status,
        mine=options.mine,
        owner=options.owner,
        template=options.template,
    )
    nothing = "There is no desktop."
    print_rows(rows, options, DESKTOP_COLUMNS, fields=DESKTOP, nothing=nothing)


def show_session(client: Client, options: argparse.Namespace) -> None:
    print_one(client.get(f"/sessions/{options.id}"), options, DESKTOP)


def show_credentials(client: Client, options: argparse.Namespace) -> None:
    print_one(client.post(f"/sessions/{options.id}/credentials"), options, CREDENTIALS)


def stop_sessions(client: Client, options: argparse.Namespace) -> None:
    stopped = []
    for one in options.ids:
        stopped.append(client.post(f"/sessions/{one}/stop"))
        if not options.json:
            say(f"{one} will be gone in a moment.")
    if options.json:
        print_rows(stopped, options, fields=DESKTOP, nothing="")


def pause_session(client: Client, options: argparse.Namespace) -> None:
    print_one(client.post(f"/sessions/{options.id}/{options.word}"), options, DESKTOP)


def extend_session(client: Client, options: argparse.Namespace) -> None:
    session = client.post(f"/sessions/{options.id}/extend", {"minutes": options.minutes})
    print_one(session, options, DESKTOP)


def save_rdp_file(client: Client, options: argparse.Namespace) -> None:
    text = client.text(f"/sessions/{options.id}/rdp-file")
    if options.output:
        options.output.write_bytes(text.encode())
    else:
        sys.stdout.write(text)


def watch_session(client: Client, options: argparse.Namespace) -> int:
    session = client.get(f"/sessions/{options.id}")
    is_well = _follow(client, session, until_ready=options.until_ready, as_json=bool(options.json))
    return DONE if is_well else REFUSED


def _follow(
    client: Client, session: dict[str, Any], *, until_ready: bool, as_json: bool | None
) -> bool:
    """Prints events; returns whether the awaited state was reached. `as_json` None: no output."""
    for heard in client.events(session["links"]["events"]):
        if as_json is not None:
            say(json.dumps({"event": heard.name, **heard.data}) if as_json else _line(heard))
        status = heard.data.get("status")
        if until_ready and (status == "ready" or status in _OVER):
            return bool(status == "ready")
    return not until_ready


def _line(heard: StreamEvent) -> str:
    data = heard.data
    if heard.name == "step":
        return f"step      {data['title']}: {data['step_status']}"
    if heard.name == "closed":
        return f"closed    {data['reason']}"
    reason = f" ({data['end_reason']})" if data.get("end_reason") else ""
    until = f", until {data['expires_at']}" if data.get("expires_at") and not reason else ""
    return f"{heard.name:<9} {data['status']}{reason}{until}"
