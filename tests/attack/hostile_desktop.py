"""Root in a desktop sends expensive data to the gateway at full speed."""

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from bench.inside import Inside
from bench.raw_browser import INPUT
from bench.rdp_roles import MARK
from labnode.cgroups import Cgroup, find_version
from setup.settings import CHECKOUT
from tests.attack.catalogue import attack
from tests.attack.client import Client
from tests.attack.flooding_desktop import CERTIFICATE
from tests.attack.promise import Broken
from tests.attack.rdp_browser import connected
from tests.attack.slow_clients import PAGE_S
from tests.attack.target import Target

KEYS_A_SECOND = 10
ALONE_S, FLOODED_S, LEAST_FLOODED_MB = 5.0, 30.0, 5
MEDIAN_S = 0.25
#: Seconds before the first key: input that arrives with the set-up is not counted as a key.
SETTLED_S = 2.0
#: Exceptions when the accomplice's connection or ticket fails.
CUT = (ConnectionClosed, RuntimeError, OSError)
MARK_HEAD = MARK.pack(0, MARK.size, 8, 4, 0, 0)[:5]


@contextmanager
def in_place_of_xrdp(inside: Inside, role: str) -> Iterator[None]:
    """Run a program of this role in the desktop's network, on the RDP port."""
    inside.as_root("systemctl stop xrdp")
    init = Cgroup(f"winux_{inside.bridge}/{inside.vmid}/payload", find_version()).init()
    with tempfile.TemporaryDirectory(prefix="winux-attack-") as folder:
        pem = inside.as_root("cat /etc/xrdp/key.pem /etc/xrdp/cert.pem")
        Path(folder, CERTIFICATE).write_bytes(pem)
        network = ["nsenter", f"--target={init}", "--net", "--"]
        program = [sys.executable, "-m", "tests.attack.flooding_desktop", role, folder]
        with subprocess.Popen(
            [*network, *program], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True
        ) as child:
            try:
                if child.stdout is None or not child.stdout.readline():
                    raise RuntimeError(f"the {role} desktop does not listen")
                yield
            finally:
                child.kill()


@contextmanager
def accomplice(target: Target, client: Client, desktop_id: str) -> Iterator[list[int]]:
    """Run a browser that reads everything from the hostile desktop, and reconnects when closed.

    Yields the sizes of received messages, and the close codes as negative numbers.
    """
    came: list[int] = []
    is_over = threading.Event()

    def read() -> None:
        while not is_over.is_set():
            with suppress(*CUT), connected(target, client, desktop_id) as socket:
                take(socket, came, is_over)
            is_over.wait(0.2)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        yield came
    finally:
        is_over.set()
        reader.join(PAGE_S * 4)


def take(socket: ClientConnection, came: list[int], is_over: threading.Event) -> None:
    try:
        while not is_over.is_set():
            came.append(len(socket.recv(1)))
    except ConnectionClosed as closed:
        came.append(-(closed.rcvd.code if closed.rcvd else 1))


def press(socket: ClientConnection, seconds: float) -> list[float]:
    """Return the seconds that a legitimate user waits for the result of each key."""
    took: list[float] = []
    end = time.monotonic() + seconds
    while (began := time.monotonic()) < end:
        socket.send(INPUT)
        try:
            wait_for_mark(socket, began + PAGE_S)
        except (TimeoutError, ConnectionClosed) as stopped:
            raise Broken(f"the honest view stops: {stopped!r}") from None
        took.append(time.monotonic() - began)
        time.sleep(max(0.0, 1 / KEYS_A_SECOND - took[-1]))
    return took


def wait_for_mark(socket: ClientConnection, give_up: float) -> None:
    """Wait for the mark, which may follow a picture and may be split across two messages."""
    kept = b""
    while MARK_HEAD not in kept:
        message = socket.recv(max(0.0, give_up - time.monotonic()))
        kept = kept[-len(MARK_HEAD) :] + (message if isinstance(message, bytes) else b"")


@attack(
    "gateway: a hostile desktop sends costly pictures at full speed to an accomplice's browser",
    f"an honest person's keys show within {MEDIAN_S} s (median) and {PAGE_S:.0f} s (each)",
)
def full_speed(target: Target) -> str:
    hostile, honest = target.client("hostile-desktop"), target.client("hostile-honest")
    with (
        target.session(hostile) as attacker,
        target.session(honest) as bystander,
        in_place_of_xrdp(target.inside(bystander), "busy"),
        in_place_of_xrdp(target.inside(attacker), "hostile"),
        connected(target, honest, bystander) as view,
    ):
        time.sleep(SETTLED_S)
        alone = press(view, ALONE_S)
        with accomplice(target, hostile, attacker) as came:
            under = press(view, FLOODED_S)
    sent = sum(size for size in came if size > 0) / 1e6
    cuts = [-code for code in came if code < 0]
    if sent < LEAST_FLOODED_MB and not cuts:
        raise RuntimeError(f"the hostile desktop sent only {sent:.1f} MB")
    if median(under) > MEDIAN_S:
        raise Broken(f"a key shows after {median(under):.2f} s")
    return (
        f"{sent:.0f} MB of hostile pictures, cut {len(cuts)} times; {len(under)} keys, median "
        f"{median(under) * 1000:.0f} ms (alone {median(alone) * 1000:.0f} ms), "
        f"longest {max(under):.2f} s"
    )
