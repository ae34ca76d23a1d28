"""`./winux --url …` against a complete portal: output for people and programs, exit statuses."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api_site import ApiSite, api_site
from webapp.cli import main
from webapp.config import ROOT
from webapp.domain.people.roles import Role

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiSite]:
    with api_site(tmp_path_factory.mktemp("remote"), WINUX_MAX_DESKTOPS="2") as made:
        yield made


@pytest.fixture(scope="module")
def keys(site: ApiSite) -> dict[str, str]:
    alice, boss = site.person("alice"), site.person("boss", Role.ADMIN)
    return {
        "alice": site.key(alice, "launch"),
        "reader": site.key(alice, "read"),
        "boss": site.key(boss, "admin"),
    }


@pytest.fixture
def run(
    site: ApiSite,
    keys: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Run a command with a person's key; return exit status, standard output and standard error."""

    def call(*words: str, who: str = "alice") -> tuple[int, str, str]:
        monkeypatch.setenv("WINUX_API_KEY", keys.get(who, who))
        try:
            status = main(["--url", site.url, *words])
        except SystemExit as end:
            status = int(end.code or 0)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


def value(answer: tuple[int, str, str]) -> Any:
    assert answer[0] == 0, answer
    return json.loads(answer[1])


def test_a_life_by_commands(run: Run, tmp_path: Path) -> None:
    launched = value(run("desktop", "launch", "--minutes", "15", "--wait", "--json"))
    one = launched["id"]
    assert (launched["state"], len(launched["rdp_password"])) == ("ready", 20)
    assert one in run("desktop", "list")[1]
    assert "password" not in run("desktop", "show", one)[1]
    shown = value(run("desktop", "credentials", one, "--json"))
    assert shown["rdp_password"] == launched["rdp_password"]
    extended = value(run("session", "extend", one, "15", "--json"))
    assert extended["deadline_at"] > launched["deadline_at"]
    file = tmp_path / "desktop.rdp"
    assert run("desktop", "rdp-file", one, "--output", str(file)) == (0, "", "")
    assert f"full address:s:{launched['address']}" in file.read_text()
    again = value(run("desktop", "launch", "--reuse", "--json"))
    assert (again["id"], again["is_reused"]) == (one, True)
    assert run("desktop", "stop", one)[1] == f"{one} will be gone in a moment.\n"


def test_watching_tells_each_step_and_the_end(run: Run) -> None:
    one = value(run("desktop", "launch", "--wait", "--json"))["id"]
    assert run("desktop", "stop", one)[0] == 0
    status, text, _ = run("desktop", "watch", one)
    assert (status, text.splitlines()[-1]) == (0, "end       ended (asked)")
    assert run("desktop", "watch", one, "--until-ready")[0] == 1
    lines = [json.loads(line) for line in run("desktop", "watch", one, "--json")[1].splitlines()]
    assert [line["event"] for line in lines] == ["session", "end"]


def test_a_limit_is_refused_with_the_ways_out(run: Run) -> None:
    ids = [value(run("desktop", "launch", "--json"))["id"] for _ in range(2)]
    status, _, complaint = run("desktop", "launch")
    assert status == 1
    assert "close_oldest" in complaint
    assert run("desktop", "launch", "--make-room", "close_oldest")[0] == 0
    rows = value(run("desktop", "list", "--json", "--status", "queued,building,ready"))
    for row in rows:
        run("desktop", "stop", row["id"])
    assert ids[0] not in [row["id"] for row in rows]


@pytest.mark.parametrize(
    ("words", "who", "status", "says"),
    [
        (("desktop", "show", "desktop-00000000"), "alice", 4, "no such desktop"),
        (("desktop", "launch", "--template", "nope"), "alice", 1, "nope"),
        (("desktop", "launch"), "reader", 5, "scope"),
        (("desktop", "pause", "desktop-00000000"), "alice", 4, "no such desktop"),
        (("person", "list"), "alice", 5, "scope"),
        (("connection", "cut", "connection-00000000"), "alice", 4, "no such connection"),
        (("audit", "list", "--from", "tomorrow"), "boss", 1, "is no time"),
        (("desktop", "list"), "wx_nokey", 5, "key"),
        (("desktop",), "alice", 2, "usage:"),
        (("desktop", "extend", "x", "many"), "alice", 2, "usage:"),
    ],
)
def test_exit_statuses_tell_what_kind_of_no(
    run: Run, words: tuple[str, ...], who: str, status: int, says: str
) -> None:
    ended, out, complaint = run(*words, who=who)
    assert (ended, out) == (status, ""), complaint
    assert says in complaint


def test_what_cannot_be_reached_ends_with_3(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WINUX_API_KEY", "x")
    assert main(["--url", "http://127.0.0.1:1", "me"]) == 3
    assert "does not answer" in capsys.readouterr().err


def test_without_a_key_it_says_how_to_give_one(
    site: ApiSite, keys: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--url", site.url, "me"]) == 2
    assert "--key-file" in capsys.readouterr().err
    file = tmp_path / "key"
    assert main(["--url", site.url, "--key-file", str(file), "desktop", "list"]) == 2
    file.write_text(keys["alice"] + "\n")
    assert main(["--url", site.url, "--key-file", str(file), "desktop", "list"]) == 0


def test_the_rest_of_the_site_is_seen(run: Run) -> None:
    assert value(run("me", "--json"))["name"] == "alice"
    assert "xfce" in run("template", "list")[1]
    assert run("capacity")[0] == 0
    assert run("who")[1] == "There are no open connections.\n"
    assert "XFCE" in run("template", "list", "--json")[1]
    assert run("pool", "list", who="boss")[0] == 0
    assert "alice" in run("person", "list", who="boss")[1]
    assert "auditor" in run("person", "role", "alice", "auditor", who="boss")[1]
    assert "person" in run("person", "role", "alice", "person", who="boss")[1]
    assert "person.add" in run("audit", "list", who="boss")[1]
    assert run("audit", "export", who="boss")[1].count("\n") > 3
    assert run("cleanup", who="boss")[0] == 0
    assert run("status")[0] in (0, 1)


def test_keys_are_made_and_revoked(run: Run) -> None:
    made = value(
        run("key", "add", "robot", "--scope", "admin", "--days", "7", "--json", who="boss")
    )
    assert run("me", who=made["key"])[0] == 0
    assert "robot" in run("key", "list", who="boss")[1]
    assert run("key", "revoke", str(made["id"]), who="boss")[0] == 0
    assert run("me", who=made["key"])[0] == 5


def test_shells_complete_both_forms() -> None:
    assert "desktop" in completions("./winux des")
    assert set(completions("./winux desktop ")) >= {"list", "stop", "extend", "adopt"}
    assert set(completions("./winux --url http://x desktop ")) >= {"launch", "watch", "rdp-file"}
    for shell in ("bash", "zsh"):
        code = subprocess.run(
            [ROOT / "winux", "completion", shell], capture_output=True, text=True, check=True
        ).stdout
        assert "winux" in code
        if shell == "bash":
            subprocess.run(["bash", "-n"], input=code, text=True, check=True)


def completions(line: str) -> list[str]:
    """Return the completions that the program offers a shell for this line."""
    script = (
        'COMP_LINE="$1" COMP_POINT=${#1} _ARGCOMPLETE=1 _ARGCOMPLETE_IFS="\n" '
        "./winux 8>&1 9>/dev/null >/dev/null 2>&1"
    )
    done = subprocess.run(
        ["bash", "-c", script, "-", line],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"]},
    )
    return done.stdout.split()
