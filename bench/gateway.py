"""`python -m bench.gateway`: the gateway's cost beside websockify and socat, in one run.

Measures bytes per CPU second and CPU of a busy connection (recorded pictures over TLS in, WebSocket
out), memory of 200 idle connections, the added latency of a round trip, and the delays of fifty
busy connections beside hostile neighbours.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import psutil

from bench import hostile
from bench.raw_browser import INPUT, ORIGIN, RawBrowser
from bench.rdp_stream import ECHO

BUSY_RATE = 620_000
"""Bytes per second of a scrolling terminal of 1280×800."""
IDLE = 200
ROUND_TRIPS = 400
GATEWAY = "/gateway/rdp"
WEBSOCKIFY = """
import sys
sys.path.append("/usr/lib/python3/dist-packages")
from websockify.websocketproxy import websockify_init
websockify_init()
"""
"""Debian's package in our own interpreter: two builds of Python differ by a third in speed."""
ROUNDS = 3


@contextlib.contextmanager
def program(
    *command: str, ready: str | None = None, trust: Path | None = None
) -> Iterator[psutil.Process]:
    """Run a program for the block; `ready` is part of its first line once it listens."""
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | ({"SSL_CERT_FILE": str(trust)} if trust else {}),
    )
    try:
        if ready is not None and process.stdout is not None:
            line = process.stdout.readline()
            if ready not in line:
                raise RuntimeError(f"{command[0]} did not start: {line!r}")
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:  # a gateway that an attack froze does not react
            process.kill()
            process.wait()


@contextlib.contextmanager
def desktop(*options: str | Path, module: str = "bench.rdp_stream") -> Iterator[int]:
    """Run a desktop in its own process; yield its port."""
    command = [sys.executable, "-m", module, *map(str, options)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield int(process.stdout.readline()) if process.stdout else 0
    finally:
        process.terminate()
        process.wait(10)


@contextlib.contextmanager
def gateway(target: int, folder: Path) -> Iterator[tuple[psutil.Process, int]]:
    port = free_port()
    password = folder / "password"
    password.write_text("benchmark")
    where = [f"--listen=127.0.0.1:{port}", f"--target=127.0.0.1:{target}"]
    options = [*where, f"--password-file={password}", f"--origin={ORIGIN}"]
    run = [sys.executable, "-u", "-m", "tests.gateway.try_relay", *options]
    with program(*run, ready="listening") as process:
        wait_for(port)
        yield process, port


@contextlib.contextmanager
def websockify(target: int, folder: Path) -> Iterator[tuple[psutil.Process, int]]:
    port = free_port()
    options = ["--ssl-target", f"127.0.0.1:{port}", f"127.0.0.1:{target}"]
    newest = max(folder.glob("desktop-*.pem"), key=lambda file: file.stat().st_mtime)
    with program(sys.executable, "-c", WEBSOCKIFY, *options, trust=newest) as process:
        wait_for(port)
        yield process, port


@contextlib.contextmanager
def socat(target: int, _: Path) -> Iterator[tuple[psutil.Process, int]]:
    """Run socat, the baseline for the cost of TLS."""
    port = free_port()
    listen = f"TCP-LISTEN:{port},bind=127.0.0.1,fork,reuseaddr"
    with program("socat", "-b65536", listen, f"OPENSSL:127.0.0.1:{target},verify=0") as process:
        wait_for(port)
        yield process, port


Start = Callable[[int, Path], contextlib.AbstractContextManager[tuple[psutil.Process, int]]]
CARRIERS: dict[str, tuple[str, Start, str | None]] = {
    "winux gateway": ("rdp", gateway, GATEWAY),
    "websockify": ("tls", websockify, "/"),
    "socat": ("tls", socat, None),
}
"""Name → the kind of desktop behind it, its program, the WebSocket's path."""


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def wait_for(port: int) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError):
            RawBrowser(port, None).close()
            return
        time.sleep(0.05)
    raise RuntimeError(f"nothing listens on port {port}")


def cpu_seconds(process: psutil.Process) -> float:
    """Return the CPU seconds of a process and its children (websockify and socat fork), to the ns.

    The times in `stat` have a resolution of 10 ms, which is too coarse for a busy connection.
    """
    nanoseconds = 0
    for one in [process, *process.children(recursive=True)]:
        for thread in Path(f"/proc/{one.pid}/task").glob("*/schedstat"):
            with contextlib.suppress(OSError):
                nanoseconds += int(thread.read_text().split()[0])
    return nanoseconds / 1e9


def carried(process: psutil.Process, browser: RawBrowser, seconds: float) -> dict[str, float]:
    """Return the cost of a stream for the process that carries it."""
    browser.drain(0.5)
    before, began = cpu_seconds(process), time.monotonic()
    count = browser.drain(seconds)
    cpu, took = cpu_seconds(process) - before, time.monotonic() - began
    return {
        "MB_per_s": round(count / took / 1e6, 2),
        "cpu_percent": round(100 * cpu / took, 2),
        "MB_per_cpu_s": round(count / max(cpu, 1e-9) / 1e6, 1),
    }


def measure_streams(rate: str, seconds: float, folder: Path) -> dict[str, dict[str, float]]:
    """Return medians of rounds in which all take turns, so that machine conditions are the same."""
    found = [
        {name: measure_stream(name, rate, seconds / ROUNDS, folder) for name in CARRIERS}
        for _ in range(ROUNDS)
    ]
    return {
        name: {key: median(one[name][key] for one in found) for key in found[0][name]}
        for name in CARRIERS
    }


def measure_stream(name: str, rate: str, seconds: float, folder: Path) -> dict[str, float]:
    kind, start, path = CARRIERS[name]
    with desktop(kind, rate, folder) as target, start(target, folder) as (process, port):
        browser = RawBrowser(port, path)
        if name == "websockify":
            browser.send(b"\0")
        elif kind == "rdp":
            browser.sign_in()
        found = carried(process, browser, seconds)
        browser.close()
        return found


def measure_memory(folder: Path) -> dict[str, float]:
    with desktop("rdp", "echo", folder) as target, gateway(target, folder) as (process, port):
        warm = [signed_in(port) for _ in range(3)]
        time.sleep(1)
        before = process.memory_info().rss
        idle = [signed_in(port) for _ in range(IDLE)]
        time.sleep(3)
        grown = process.memory_info().rss - before
        cpu = cpu_seconds(process)
        time.sleep(5)
        idle_cpu = (cpu_seconds(process) - cpu) / 5 * 100
        for one in warm + idle:
            one.close()
    return {"kB_per_connection": round(grown / IDLE / 1000, 1), "cpu_percent": round(idle_cpu, 2)}


def signed_in(port: int) -> RawBrowser:
    browser = RawBrowser(port, GATEWAY)
    browser.sign_in()
    browser.drain(0.05)
    return browser


def measure_latency(folder: Path) -> dict[str, float]:
    """Return median round trips in milliseconds: direct to the desktop, and by the gateway."""
    with desktop("rdp", "echo", folder) as target, gateway(target, folder) as (_, port):
        browser = signed_in(port)
        browser.drain(1)
        through = round_trips(browser.socket, lambda: browser.send(INPUT))
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with desktop("tls", "echo", folder) as target:
        straight = context.wrap_socket(RawBrowser(target, None).socket)
        direct = round_trips(straight, lambda: straight.sendall(INPUT))
    return {
        "direct_ms": round(direct, 3),
        "through_ms": round(through, 3),
        "added_ms": round(through - direct, 3),
    }


def round_trips(connection: socket.socket, send: Callable[[], None]) -> float:
    connection.settimeout(10)
    took = []
    for _ in range(ROUND_TRIPS):
        began = time.perf_counter()
        send()
        got = 0
        while got < len(ECHO):
            got += len(connection.recv(1 << 16))
        took.append(time.perf_counter() - began)
    return median(took) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="a few seconds of each")
    options = parser.parse_args()
    seconds = 5.0 if options.short else 15.0
    with tempfile.TemporaryDirectory(prefix="winux-bench-") as name:
        folder = Path(name)
        result = {
            "busy_connection": measure_streams(str(BUSY_RATE), seconds, folder),
            "as_fast_as_it_goes": measure_streams("0", seconds, folder),
            "idle_connections": measure_memory(folder),
            "round_trip": measure_latency(folder),
            "hostile_neighbours": hostile.measure(folder, seconds),
        }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
