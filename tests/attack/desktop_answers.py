"""Root in a desktop replaces `winux-guest` with another program."""

import json
import re
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bench.inside import Inside
from setup.environment import VENV
from setup.settings import CHECKOUT
from tests.adapters.payloads import payloads
from tests.attack.catalogue import attack
from tests.attack.client import Client
from tests.attack.promise import Broken
from tests.attack.slow_clients import PAGE_S
from tests.attack.target import Target

GUEST = "/usr/local/sbin/winux-guest"
#: Outside the portal's own ids, as for a desktop that an operator creates by hand.
BY_HAND = 20_501
ADOPTED = "desktop-0badf00d"
FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
#: Each invocation takes the next forged answer; after the last it returns the genuine one.
LIAR = """#!/usr/bin/python3 -I
import fcntl, json, subprocess, sys, time
HONEST = "{guest}.honest"
if sys.argv[1:]:
    sys.exit(subprocess.call([HONEST, *sys.argv[1:]]))
with open("/var/lib/winux/lies", "r+") as file:
    fcntl.flock(file, fcntl.LOCK_EX)
    lies = json.load(file)
    lie = lies.pop(0) if lies else {{}}
    file.seek(0)
    file.truncate()
    json.dump(lies, file)
said = subprocess.run([HONEST], input=sys.stdin.read(), capture_output=True, text=True).stdout
if "seconds" in lie:
    time.sleep(lie["seconds"])
if "text" in lie:
    print(lie["text"] * lie.get("times", 1))
else:
    print(json.dumps({{**json.loads(said), **lie.get("fields", {{}})}}))
"""
Lie = dict[str, Any]


def lie_inside(inside: Inside, *lies: Lie) -> None:
    """Let the desktop return these answers, one after the other, and then genuine ones."""
    keep = f"[ -e {GUEST}.honest ] || cp -p {GUEST} {GUEST}.honest"
    replace = f"cat > {GUEST}.new && chmod 755 {GUEST}.new && mv -f {GUEST}.new {GUEST}"
    inside.as_root("cat > /var/lib/winux/lies", stdin=json.dumps(lies).encode())
    inside.as_root(f"{keep}; {replace}", stdin=LIAR.format(guest=GUEST).encode())


def lies_left(inside: Inside) -> int:
    """Return the number of forged answers that were not yet requested."""
    return len(json.loads(inside.as_root("cat /var/lib/winux/lies")))


def lies_in_all_fields(text: str) -> Lie:
    """Return forged fields that keep the answer valid, and others that would change the play."""
    facts = {"result_file": text, "guest_key_file": text, "proxmox_node": text}
    return {
        "fields": {
            "ssh_host_key": text,
            "ssh_host_key_sha256": text,
            "rdp_certificate_sha256": text,
            "hostname": text,
            "machine_id": [text] * 3,
            "address": text,
            "node": text,
            "ansible_facts": facts,
            "_ansible_facts": facts,
            "add_host": {"host_name": text, "host_vars": {"ansible_connection": "local"}},
            "invocation": {"module_args": text},
        }
    }


def lies_of_all_forms(marker: Path) -> list[Lie]:
    """Return unusable answers; each creates `marker` if it is evaluated."""
    texts = payloads(marker)
    chosen = ("expression", "newlines", "1 MB")
    bad_fields = [{"fields": {"username": texts[name], "error": texts[name]}} for name in chosen]
    return [
        *bad_fields,
        {"text": f"!unsafe '{texts['expression']}'"},
        {"text": f"--- !!python/object/apply:os.system ['touch {marker}']"},
        {"text": "[" * 20_000 + "]" * 20_000},
        {"text": "x" * 1000, "times": 1000},
        {"text": '{"deadline_epoch": 1e12, "seconds": 1e12, "changed": NaN}'},
    ]


@contextmanager
def canary(target: Target) -> Iterator[Path]:
    """Yield a file on the portal's host that exists only if a payload was evaluated."""
    marker = target.settings.folder / f"evaluated-{secrets.token_hex(4)}"
    try:
        yield marker
        if marker.exists():
            raise Broken("the desktop's answer was evaluated on the portal's host")
    finally:
        marker.unlink(missing_ok=True)


def playbook(target: Target, name: str, **variables: object) -> None:
    """Run a playbook as an operator does."""
    text = " ".join(f"{name}={value}" for name, value in variables.items())
    command = [VENV / "bin/ansible-playbook", "-i", CHECKOUT / "inventory/lab"]
    done = subprocess.run(
        [*command, CHECKOUT / "playbooks" / name, "-e", text],
        cwd=target.settings.folder,
        env=target.portal.process_environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    if done.returncode:
        raise RuntimeError(f"{name} failed: {done.stdout[-1500:]}")


@contextmanager
def made_by_hand(target: Target) -> Iterator[Inside]:
    """Run a desktop that an operator created with the playbook, for adoption."""
    playbook(target, "create-winux-session.yml", session_id=ADOPTED, container_id=BY_HAND)
    try:
        yield Inside(target.bridge, BY_HAND)
    finally:
        if rows := adopted(target):
            target.end(rows[0]["public_id"])
        else:
            playbook(target, "destroy-winux-session.yml", container_id=BY_HAND)
        with suppress(FileNotFoundError):
            (target.settings.folder / f"{ADOPTED}.json").unlink()


def adopted(target: Target) -> list[dict[str, Any]]:
    query = "select * from desktops where vmid = ? and state != 'ended'"
    return target.rows(query, BY_HAND)


@attack(
    "desktop: templates in every field of its answer, then adopted and resumed",
    "nothing is evaluated on the portal's host, and its keys are those that were really seen",
)
def templates_in_answers(target: Target) -> str:
    client = target.client("answers")
    with canary(target) as marker, made_by_hand(target) as inside:
        lie_inside(inside, lies_in_all_fields(payloads(marker)["expression"]))
        adopt = ("--owner", "answers", "--username", "desktop")
        desktop_id = str(target.portal.ask("desktop", "adopt", str(BY_HAND), *adopt)["id"])
        [row] = target.rows("select * from desktops where public_id = ?", desktop_id)
        if not FINGERPRINT.fullmatch(row["ssh_host_key_sha256"]):
            raise Broken(f"the portal believes {row['ssh_host_key_sha256'][:80]!r}")
        target.pause(client, desktop_id)
        asked = target.resume(client, desktop_id)
        if lies_left(inside):
            raise RuntimeError("the desktop was never asked")
    return f"adopted and resumed at try {asked}; {row['ssh_host_key_sha256'][:20]}… is its real key"


@attack(
    "desktop: answers of every bad form while it is resumed",
    f"nothing is evaluated, pages open in {PAGE_S:.0f} s, another person's desktop is launched",
)
def bad_answers_at_resume(target: Target) -> str:
    liar, honest = target.client("liar"), target.client("honest")
    with (
        canary(target) as marker,
        target.session(liar) as desktop_id,
        target.bystander(f"{target.url}/sign-in") as looks,
    ):
        inside = target.inside(desktop_id)
        lies = lies_of_all_forms(marker)
        lie_inside(inside, *lies)
        target.pause(liar, desktop_id)
        with target.session(honest):
            asked = target.resume(liar, desktop_id)
        left = lies_left(inside)
    if looks.longest > PAGE_S:
        raise Broken(f"somebody else's page took {looks.longest:.1f} s")
    told = len(lies) - left
    return (
        f"{told} bad answers, asked {asked} times until it was resumed; a page took "
        f"{looks.longest:.2f} s at most"
    )


@attack(
    "desktop: mute, endless and nested answers to the portal's questions",
    "the desktop is marked and asked less; another person's desktop gets its new deadline",
)
def bad_answers_to_questions(target: Target) -> str:
    lies = {
        "mute": {"seconds": 3600},
        "endless": {"text": "x" * 1_000_000, "times": 50},
        "nested": {"text": "[" * 2_000_000},
    }
    honest = target.client("honest")
    clients = {kind: target.client(f"liar-{kind}") for kind in lies}
    with canary(target), target.session(honest) as bystander:
        told = [
            marked_after(target, clients[kind], lie, honest, bystander)
            for kind, lie in lies.items()
        ]
    return "; ".join(f"{kind}: {text}" for kind, text in zip(lies, told, strict=True))


def marked_after(target: Target, client: Client, lie: Lie, honest: Client, bystander: str) -> str:
    """Extend a desktop that returns forged answers; return the trouble that the portal reports."""
    with target.session(client) as desktop_id:
        lie_inside(target.inside(desktop_id), *[lie] * 20)
        extend(client, desktop_id)
        extend(honest, bystander)
        target.wait_until(
            lambda: has_deadline(target, bystander), "the other desktop gets its deadline"
        )
        target.wait_until(lambda: shown(target, desktop_id)["guest_trouble"], "it is marked")
        return str(shown(target, desktop_id)["guest_trouble"])[:70]


def extend(client: Client, desktop_id: str) -> None:
    answer = client.api("POST", f"/sessions/{desktop_id}/extend", {"minutes": 2})
    if answer.status != 200:
        raise Broken(f"a desktop could not be extended: {answer.said}")


def shown(target: Target, desktop_id: str) -> dict[str, Any]:
    return dict(target.portal.ask("desktop", "show", desktop_id))


def has_deadline(target: Target, desktop_id: str) -> bool:
    query = "select deadline_at = deadline_told_at as told from desktops where public_id = ?"
    return bool(target.rows(query, desktop_id)[0]["told"])
