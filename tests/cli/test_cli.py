"""The command line as an operator and a program use it."""

import argparse
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.connection_rows import open_to_server
from tests.portal import PASSWORD, make_environment
from tests.receiver import Receiver
from webapp.bootstrap import build_services
from webapp.cli import main, make_parser, remote
from webapp.config import ROOT, load
from webapp.domain.states import State
from webapp.models import Desktop
from webapp.services.audit.record import SYSTEM, Actor
from webapp.services.desktops.launch import LaunchRequest

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    values = make_environment(tmp_path)
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return values


@pytest.fixture
def run(environment: dict[str, str], capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command; return its exit status, standard output and standard error."""

    def call(*arguments: str) -> tuple[int, str, str]:
        try:
            status = main(arguments)
        except SystemExit as end:
            status = int(end.code or 0)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


@pytest.fixture
def migrated(run: Run) -> Run:
    assert run("migrate", "--new")[0] == 0
    return run


def _json(answer: tuple[int, str, str]) -> Any:
    assert answer[0] == 0, answer
    return json.loads(answer[1])


def test_migrating_twice_is_harmless(migrated: Run) -> None:
    assert _json(migrated("migrate", "--json")) == _json(migrated("migrate", "--json"))


def test_a_wrong_setting_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WINUX_VMID_FIRST", "many")
    status, _, complaint = run("person", "list")
    assert status == 1
    assert "WINUX_VMID_FIRST is 'many'" in complaint


def test_people_are_made_listed_and_suspended(migrated: Run) -> None:
    made = _json(migrated("person", "add", "alice", "--generate", "--json"))
    assert (made["name"], len(made["password"])) == ("alice", 20)
    assert _json(migrated("person", "add", "boss", "--admin", "--generate", "--json"))
    assert migrated("person", "role", "alice", "auditor")[0] == 0
    assert _json(migrated("person", "list", "--json"))[0]["role"] == "auditor"
    assert migrated("person", "role", "alice", "person")[0] == 0
    assert migrated("person", "suspend", "alice")[0] == 0
    rows = _json(migrated("person", "list", "--json"))
    assert [(row["name"], row["role"], row["suspended_at"] is not None) for row in rows] == [
        ("alice", "person", True),
        ("boss", "admin", False),
    ]
    assert migrated("person", "restore", "alice")[0] == 0
    _, table, _ = migrated("person", "list")
    header = "NAME ROLE CREATED AT SUSPENDED AT MAX DESKTOPS"
    assert " ".join(table.splitlines()[0].split()) == header


def test_the_words_of_the_former_release_still_suspend_and_restore(migrated: Run) -> None:
    migrated("person", "add", "alice", "--generate")
    for word, is_suspended in (("disable", True), ("enable", False)):
        assert migrated("person", word, "alice")[0] == 0
        [row] = _json(migrated("person", "list", "--json"))
        assert (row["suspended_at"] is not None) == is_suspended
    by_former_name = _json(migrated("audit", "list", "--action", "person.disable", "--json"))
    assert [row["action"] for row in by_former_name] == ["person.suspend"]


def test_a_setting_under_its_former_name_works_with_a_warning(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    monkeypatch.setenv("WINUX_GATEWAY", "10.203.0.2")
    assert str(load(os.environ).addresses.router) == "10.203.0.2"
    settings = json.loads(run("check-config", "--json")[1])[0]
    assert settings["trouble"] is None
    assert "WINUX_GATEWAY is now called WINUX_ROUTER" in settings["warning"]
    assert "WINUX_GATEWAY is now called WINUX_ROUTER" in run("check-config")[1]
    monkeypatch.setenv("WINUX_ROUTER", "10.203.0.3")
    assert str(load(os.environ).addresses.router) == "10.203.0.3"


def test_a_password_comes_from_standard_input(migrated: Run, environment: dict[str, str]) -> None:
    done = subprocess.run(
        [ROOT / "winux", "person", "add", "alice", "--password-stdin"],
        env={"PATH": os.environ["PATH"], **environment},
        input="a long enough password\n",
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    assert "long enough" not in done.stdout + done.stderr
    services = build_services(load(environment))
    assert services.accounts.sign_in("alice", "a long enough password", "192.0.2.1", "test")
    services.db.close()


def test_what_cannot_be_is_refused_with_its_reason(migrated: Run) -> None:
    migrated("person", "add", "alice", "--generate")
    for command, expected, words in [
        (("person", "add", "alice", "--generate"), 1, "There is a person alice already."),
        (("person", "add", "no spaces", "--generate"), 1, "A name has"),
        (("person", "passwd", "nobody", "--generate"), 4, "nobody"),
        (("desktop", "show", "desktop-00000000"), 4, "There is no such desktop."),
        (("desktop", "stop", "desktop-00000000"), 4, "There is no such desktop."),
        (("connection", "cut", "nope"), 4, "There is no such connection."),
        (("template", "set", "xfce", "--cores", "2"), 4, "There is no template 'xfce'."),
        (
            ("template", "publish", "--name", "X!", "--vmid", "29001", "--version", "1"),
            1,
            "letters",
        ),
        (("template", "publish", "--name", "x", "--vmid", "7", "--version", "1"), 1, "vmid takes"),
    ]:
        status, out, complaint = migrated(*command)
        assert (status, out) == (expected, ""), command
        assert words in complaint


@pytest.mark.parametrize(
    "command", [(), ("nope",), ("person",), ("desktop", "extend", "x", "many"), ("person", "add")]
)
def test_wrong_usage_ends_with_2(run: Run, command: tuple[str, ...]) -> None:
    status, _, complaint = run(*command)
    assert status == 2
    assert "usage:" in complaint


def test_templates_are_published_and_set(migrated: Run) -> None:
    publish = ("template", "publish", "--name", "xfce", "--vmid", "29001", "--version")
    assert migrated(*publish, "1")[0] == 0
    assert migrated("template", "set", "xfce", "--memory-mb", "2048", "--nesting")[0] == 0
    assert migrated(*publish, "2", "--title", "Xfce desktop")[0] == 0
    [row] = _json(migrated("template", "list", "--json"))
    assert (row["version"], row["title"], row["memory_mb"], row["nesting"]) == (
        "2",
        "Xfce desktop",
        2048,
        True,
    )
    refused = migrated("template", "set", "xfce", "--default-minutes", "500")
    assert "cannot be more" in refused[2]
    assert _json(migrated("template", "list", "--json")) == [row]


def test_desktops_are_listed_shown_stopped_and_extended(
    migrated: Run, environment: dict[str, str]
) -> None:
    migrated("template", "publish", "--name", "xfce", "--vmid", "29001", "--version", "1")
    services = build_services(load(environment))
    owner = Actor(services.accounts.add_person(SYSTEM, "alice", "a long password"))
    public_id = services.launcher.launch(owner, LaunchRequest())
    services.db.close()
    [row] = _json(migrated("desktop", "list", "--json"))
    assert (row["id"], row["state"], row["owner"]) == (public_id, "queued", "alice")
    assert _json(migrated("desktop", "list", "--match", "nobody", "--json")) == []
    assert "cannot be changed" in migrated("desktop", "extend", public_id, "10")[2]
    assert migrated("desktop", "stop", public_id)[0] == 0
    shown = _json(migrated("desktop", "show", public_id, "--json"))
    assert (shown["state"], shown["end_reason"]) == ("stopping", "admin")
    assert "password" not in json.dumps(shown)
    assert public_id in migrated("desktop", "list")[1]


def test_desktops_are_paused_and_resumed(migrated: Run, environment: dict[str, str]) -> None:
    publish = ("template", "publish", "--name", "xfce", "--vmid", "29001", "--version", "1")
    migrated(*publish)
    services = build_services(load(environment))
    owner = Actor(services.accounts.add_person(SYSTEM, "alice", "a long password"))
    public_id = services.launcher.launch(owner, LaunchRequest())
    with services.db.begin() as session:
        desktop = session.query(Desktop).one()
        desktop.state, desktop.ready_at = State.READY, services.clock.now()
    services.db.close()
    assert "cannot be paused" in migrated("desktop", "pause", public_id)[2]
    assert migrated("template", "set", "xfce", "--max-pause-minutes", "60")[0] == 0
    [row] = _json(migrated("desktop", "pause", public_id, "--json"))
    assert (row["id"], bool(row["kept_until"])) == (public_id, True)
    assert "is kept until" in migrated("desktop", "pause", public_id)[1]
    shown = _json(migrated("desktop", "show", public_id, "--json"))
    assert (shown["state"], shown["kept_until"]) == ("pausing", row["kept_until"])
    assert "ready in a moment" in migrated("desktop", "resume", public_id)[1]
    assert _json(migrated("desktop", "show", public_id, "--json"))["state"] == "resuming"


def test_text_from_outside_cannot_play_with_the_terminal(
    migrated: Run, environment: dict[str, str]
) -> None:
    title = "\x1b[2Jgone"
    migrated(
        "template", "publish", "--name", "x", "--vmid", "29001", "--version", "1", "--title", title
    )
    assert "\x1b" not in migrated("template", "list")[1]


def test_checking_the_settings_tells_each_part(migrated: Run) -> None:
    status, out, _ = migrated("check-config", "--json")
    troubles = {row["part"]: row["trouble"] for row in json.loads(out)}
    assert status == 1
    assert troubles["settings"] is None
    assert troubles["database"] is None
    assert "cannot be reached" in troubles["proxmox"]
    assert "guest_key: No such file" in troubles["guest key"]


def test_one_round_of_the_worker_ends_with_1_when_proxmox_is_away(
    migrated: Run, environment: dict[str, str]
) -> None:
    done = subprocess.run(
        [ROOT / "winux", "worker", "--once"],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert any("cannot be reached" in line["text"] for line in lines)


def test_who_is_connected_is_listed(migrated: Run) -> None:
    assert migrated("who")[1] == "There are no open connections.\n"
    assert _json(migrated("who", "--json")) == []


def test_who_is_connected_to_what_is_listed(migrated: Run, environment: dict[str, str]) -> None:
    services = build_services(load(environment))
    open_to_server(services, Actor(services.accounts.add_person(SYSTEM, "alice", PASSWORD)))
    services.db.close()
    (one,) = _json(migrated("who", "--json"))
    assert (one["person"], one["desktop"]) == ("alice", None)
    assert (one["target_kind"], one["target"]) == ("server", "server-1")
    assert (one["protocol"], one["door"]) == ("rdp", "browser view")
    assert "server-1  rdp       browser view" in migrated("who")[1]


def commands_of(parser: argparse.ArgumentParser, before: str = "") -> Iterator[str]:
    """All commands, such as `desktop list`; aliases once, under the name."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            named = {id(command): name for name, command in reversed(action.choices.items())}
            for name, command in action.choices.items():
                if named[id(command)] == name:
                    found = list(commands_of(command, f"{before}{name} "))
                    yield from found or [f"{before}{name}"]


def test_every_command_is_described() -> None:
    here, _, elsewhere = (ROOT / "docs/admin/cli.md").read_text().partition("## Another machine")
    undescribed = [one for one in commands_of(make_parser()) if f"`./winux {one}" not in here]
    undescribed += [
        f"--url … {one}"
        for one in commands_of(remote.make_parser())
        if one != "completion" and f"`{one}" not in elsewhere
    ]
    assert undescribed == []


def test_pools_are_sized_listed_and_drained(migrated: Run) -> None:
    assert "No template is published yet." in migrated("pool", "list")[1]
    migrated("template", "publish", "--name", "xfce", "--vmid", "29001", "--version", "1")
    row = _json(migrated("pool", "list", "--json"))[0]
    assert (row["template"], row["wanted"], row["why"]) == (
        "xfce",
        0,
        "This template keeps no pool.",
    )
    said = migrated("pool", "set", "xfce", "--target", "3", "--max", "6", "--follows-demand")
    assert said[0] == 0
    row = _json(migrated("pool", "set", "xfce", "--min", "2", "--json"))
    assert (row["minimum"], row["target"], row["maximum"], row["wanted"]) == (2, 3, 6, 2)
    assert _json(migrated("pool", "drain", "xfce", "--json")) == {"template": "xfce", "drained": 0}
    status, _, complaint = migrated("pool", "set", "xfce", "--target", "7")
    assert (status, "cannot be more than the target" in complaint) == (1, True)
    assert migrated("pool", "set", "mate", "--target", "0")[0] == 4


def test_schedules_are_planned_listed_and_forgotten(migrated: Run) -> None:
    migrated("template", "publish", "--name", "xfce", "--vmid", "29001", "--version", "1")
    add = ["pool", "schedule", "add", "xfce", "--from", "8:00", "--to", "18:00", "--desktops", "5"]
    status, _, complaint = migrated(*add, "--every", "mon-fri")
    assert (status, "Raise the maximum first" in complaint) == (1, True)
    migrated("pool", "set", "xfce", "--max", "30")
    assert "planned; its times are those of UTC" in migrated(*add, "--every", "mon-fri")[1]
    once = _json(migrated(*add, "--on", "2096-03-02", "--in-all", "--json"))
    assert migrated(*add, "--on", "2016-03-02")[0] == 1
    assert migrated(*add, "--every", "mon", "--on", "2096-03-02")[0] == 2
    rows = _json(migrated("pool", "schedule", "list", "--json"))
    assert [(row["days"], row["from"], row["to"], row["in_all"]) for row in rows] == [
        ("mon-fri", "08:00", "18:00", False),
        ("2096-03-02", "08:00", "18:00", True),
    ]
    assert rows[1]["next_at"] == "2096-03-02T08:00:00Z"
    assert migrated("pool", "schedule", "remove", str(once["id"]))[0] == 0
    assert migrated("pool", "schedule", "remove", str(once["id"]))[0] == 4
    assert len(_json(migrated("pool", "schedule", "list", "--json"))) == 1


def test_keys_are_made_for_people_listed_without_the_secret_and_revoked(migrated: Run) -> None:
    migrated("person", "add", "alice", "--generate")
    told = migrated("key", "add", "alice", "night script", "--scope", "launch", "--days", "30")[1]
    text = told.rpartition("shown only now: ")[2].strip()
    assert text.startswith("wx_")
    (row,) = _json(migrated("key", "list", "--json"))
    assert (row["person"], row["name"], row["scopes"]) == ("alice", "night script", ["launch"])
    assert row["expires_at"] > row["created_at"]
    assert text.rpartition("_")[2] not in migrated("key", "list")[1]
    assert migrated("key", "list", "--person", "bob")[1].startswith("There is no key")
    assert migrated("key", "add", "bob", "script")[0] == 4
    assert migrated("key", "add", "alice", "mighty", "--scope", "admin")[0] == 1
    assert migrated("key", "add", "alice", "short", "--days", "-1")[0] == 1
    assert migrated("key", "revoke", "wx_nothere1")[0] == 4
    assert "works no more" in migrated("key", "revoke", row["prefix"])[1]
    assert _json(migrated("key", "list", "--json")) == []


def test_a_key_made_for_programs_comes_as_json(migrated: Run) -> None:
    migrated("person", "add", "alice", "--generate")
    made = _json(migrated("key", "add", "alice", "script", "--json"))
    assert made["key"].startswith(f"wx_{made['prefix']}_")
    assert made["scopes"] == ["read"]
    assert made["expires_at"] > made["created_at"]
    lasting = _json(migrated("key", "add", "alice", "lasting", "--days", "0", "--json"))
    assert lasting["expires_at"] is None
    assert _json(migrated("key", "revoke", made["key"], "--json"))["prefix"] == made["prefix"]


def test_the_audit_log_is_listed_and_exported_with_filters(migrated: Run) -> None:
    migrated("person", "add", "alice", "--generate")
    migrated("person", "add", "alice", "--generate")
    migrated("person", "suspend", "alice")
    rows = _json(migrated("audit", "list", "--object", "alice", "--json"))
    assert [(row["action"], row["reason"]) for row in rows] == [
        ("person.suspend", None),
        ("person.add", "bad_input"),
        ("person.add", None),
    ]
    assert {row["role"] for row in rows} == {"operator at the machine"}
    table = migrated("audit", "list", "--refused")[1]
    assert "There is a person alice already" in table
    assert "person.suspend" not in table
    assert migrated("audit", "list", "--from", "tomorrow")[0] == 1
    assert migrated("audit", "list", "--to", "2001-01-01")[1] == "No entry matches.\n"
    csv_text = migrated("audit", "export", "--action", "person.suspend")[1]
    assert csv_text.splitlines()[0].startswith("id,at,action")
    assert len(csv_text.splitlines()) == 2
    kept = json.loads(migrated("audit", "export", "--format", "json", "--action", "audit")[1])
    assert [row["detail"] for row in kept] == ["action=audit", "action=person.suspend"]


def test_webhooks_are_added_tried_listed_and_removed(
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    migrated: Run,
    receiver: Receiver,
) -> None:
    assert migrated("webhook", "add", receiver.url())[0] == 1
    monkeypatch.setenv("WINUX_WEBHOOK_NETWORKS", "127.0.0.0/8")
    told = migrated("webhook", "add", receiver.url(), "--event", "end", "--event", "launch")[1]
    assert "Webhook 1 is told of launch, end." in told
    assert "Secret, shown only now: whsec_" in told
    assert migrated("webhook", "test", "1")[:2] == (0, "200: thank you\n")
    receiver.status = 500
    assert migrated("webhook", "test", "1")[0] == 3
    (row,) = _json(migrated("webhook", "list", "--json"))
    assert (row["url"], row["events"], row["last_status"]) == (receiver.url(), "launch end", 500)
    receiver.close()
    assert "cannot be reached" in migrated("webhook", "test", "1")[1]
    assert migrated("webhook", "remove", "1")[0] == 0
    assert migrated("webhook", "remove", "1")[0] == 4
    assert migrated("webhook", "list")[1].startswith("There is no webhook")
