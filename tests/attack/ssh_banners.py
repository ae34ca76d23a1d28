"""Root in a desktop replaces sshd with another program on port 22."""

import time
from contextlib import suppress

from bench.inside import Inside
from tests.attack.catalogue import attack
from tests.attack.client import Client
from tests.attack.desktop_answers import canary, extend, has_deadline, shown
from tests.attack.promise import Broken
from tests.attack.slow_clients import PAGE_S
from tests.attack.target import Target

#: The name of each banner, and the code that handles a connection.
EVALUATED = "{{{{ lookup('pipe', 'touch {marker}') }}}}"
BANNERS = {
    "a line without end": 'while True: link.sendall(b"x" * 65536)',
    "lines without end": 'while True: link.sendall(b"welcome\\r\\n" * 8000)',
    "a byte a second": 'while True: link.sendall(b"S"); time.sleep(1)',
    "silence": "time.sleep(3600)",
    "terminal codes": f'link.sendall(b"SSH-2.0-\\x1b[2J{EVALUATED}\\r\\n"); time.sleep(1); '
    'link.sendall(b"\\xff" * (1 << 20))',
}
SERVER = """#!/usr/bin/python3 -I
import socket, threading, time
def serve(link):
    {banner}
listener = socket.create_server(("", 22), backlog=64)
while True:
    link, _ = listener.accept()
    threading.Thread(target=serve, args=(link,), daemon=True).start()
"""
PROGRAM = "/usr/local/sbin/banner"
UNIT = f"""[Service]
Type=simple
ExecStartPre=
ExecReload=
ExecStart=
ExecStart={PROGRAM}
"""
FOLDER = "/etc/systemd/system/ssh.service.d"
#: The portal allows a desktop 12 s for each of two steps of a request; the rest covers load.
MARKED_S = 90
#: A run that resumes a desktop ends by itself within this time.
RESUMED_S = 300
RESUMING = ("ready", "paused", "failed", "stopping", "ended")


def answer_ssh(inside: Inside, banner: str) -> None:
    """Serve this banner on port 22, also after a restart."""
    inside.as_root(
        f"cat > {PROGRAM} && chmod 755 {PROGRAM}", stdin=SERVER.format(banner=banner).encode()
    )
    inside.as_root(f"mkdir -p {FOLDER} && cat > {FOLDER}/banner.conf", stdin=UNIT.encode())
    restart = (
        "systemctl daemon-reload && systemctl restart ssh && sleep 1 && systemctl is-active ssh"
    )
    inside.as_root(restart)


@attack(
    "desktop: an ssh banner that is endless, slow, mute or hostile",
    "the desktop is marked and another gets its deadline; it cannot be resumed, others launch",
)
def banners(target: Target) -> str:
    honest = target.client("ssh-honest")
    told = []
    with canary(target) as marker, target.session(honest) as bystander:
        for number, (kind, banner) in enumerate(BANNERS.items()):
            client = target.client(f"ssh-{number}")
            text = banner.format(marker=marker) if "{marker}" in banner else banner
            told.append(f"{kind}: {marked_after(target, client, text, honest, bystander):.0f} s")
        resumed = resume(target, honest)
    return f"marked after {', '.join(told)}; {resumed}"


def marked_after(
    target: Target, client: Client, banner: str, honest: Client, bystander: str
) -> float:
    """Return the seconds from a request to a desktop with this banner until the portal marks it."""
    with target.session(client) as desktop_id:
        answer_ssh(target.inside(desktop_id), banner)
        began = time.monotonic()
        extend(client, desktop_id)
        extend(honest, bystander)
        try:
            target.wait_until(
                lambda: has_deadline(target, bystander), "another gets its deadline", MARKED_S
            )
            target.wait_until(
                lambda: shown(target, desktop_id)["guest_trouble"], "it is marked", MARKED_S
            )
        except TimeoutError as late:
            raise Broken(f"with {banner!r}: {late}") from None
        return time.monotonic() - began


def resume(target: Target, honest: Client) -> str:
    """Resume a desktop with an endless banner while another person launches one."""
    client = target.client("ssh-resumed")
    with (
        target.session(client) as desktop_id,
        target.bystander(f"{target.url}/sign-in") as looks,
    ):
        answer_ssh(target.inside(desktop_id), BANNERS["lines without end"])
        target.pause(client, desktop_id)
        began = time.monotonic()
        client.api("POST", f"/sessions/{desktop_id}/resume")
        with target.session(honest):
            launched = time.monotonic() - began
        state = end_of_resume(target, client, desktop_id)
        ended = time.monotonic() - began
    if looks.longest > PAGE_S:
        raise Broken(f"somebody else's page took {looks.longest:.1f} s")
    return (
        f"the resume ended after {ended:.0f} s ({state}), another launched meanwhile in "
        f"{launched:.0f} s"
    )


def end_of_resume(target: Target, client: Client, desktop_id: str) -> str:
    """Return the state after the resume; ready would mean that its SSH key was not checked."""
    give_up = time.monotonic() + RESUMED_S
    state = "resuming"
    while state not in RESUMING and time.monotonic() < give_up:
        with suppress(RuntimeError):
            state = str(target.session_of(client, desktop_id)["status"])
        time.sleep(0.5)
    if state in ("resuming", "ready"):
        raise Broken(f"after {RESUMED_S} s the desktop is {state}")
    return state
