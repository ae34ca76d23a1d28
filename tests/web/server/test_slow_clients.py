"""Clients that send or read slowly, or not at all, delay no other client of the real gunicorn."""

import hashlib
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPResponse, parse_headers
from pathlib import Path
from typing import BinaryIO

import pytest

from tests.gateway.events.event_site import free_port, until
from tests.portal import make_environment
from tests.web.server.gunicorn_site import is_well, running, status
from webapp import bootstrap
from webapp.adapters import migration
from webapp.config import ROOT, load
from webapp.front.inbox import LARGEST_BODY, LONGEST_HEAD, Inbox, Stage

pytestmark = pytest.mark.timeout(150)

OF_EACH = 100
FORM = b"POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
ALIVE = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
WASM = next((ROOT / "static/vendor").rglob("*.wasm"), None)


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("slow")
    services = bootstrap.build_services(load(make_environment(folder)))
    migration.migrate(services.db)
    services.db.close()
    port = free_port()
    with running(folder, f"127.0.0.1:{port}"):
        until(lambda: is_well(port), 30)
        yield port


def connect(port: int, begin: bytes = b"", receive_buffer: int = 0) -> socket.socket:
    plug = socket.socket()
    if receive_buffer:
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    plug.settimeout(60)
    plug.connect(("127.0.0.1", port))
    plug.sendall(begin)
    return plug


def answer(plug: socket.socket) -> tuple[int, bytes]:
    response = HTTPResponse(plug)
    response.begin()
    return response.status, response.read()


def vendor_path() -> str:
    assert WASM, "the desktop view's decoder is missing: static/vendor"
    return f"/static/0123456789/{WASM.relative_to(ROOT / 'static')}"


def test_five_hundred_slow_connections_stop_nobody(port: int) -> None:
    ask_large = f"GET {vendor_path()} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    begins = [
        (b"", 0),
        (b"GET /sign-in HTTP/1.1\r\nHost: x\r\nX-Slow: ", 0),
        (FORM + b"Content-Length: 1000\r\n\r\nname=", 0),
        (FORM + b"Transfer-Encoding: chunked\r\n\r\n5\r\nname=\r\n", 0),
        (ask_large, 4096),
    ]
    with ExitStack() as open_ones:
        for _ in range(OF_EACH):
            for begin, buffer in begins:
                open_ones.enter_context(connect(port, begin, buffer))
        for _ in range(20):
            assert status(port, "/sign-in") == 200


def test_an_idle_connection_that_is_kept_stops_nobody(port: int) -> None:
    with ExitStack() as open_ones:
        for _ in range(OF_EACH):
            plug = open_ones.enter_context(connect(port, ALIVE))
            assert answer(plug)[0] == 200
        assert status(port, "/sign-in") == 200


@pytest.mark.slow
def test_who_never_ends_a_request_is_told_and_cut(port: int) -> None:
    slow = [
        (connect(port, b"GET / HTTP/1.1\r\nX-Slow: "), b"HTTP/1.1 408 Request Timeout\r\n"),
        (
            connect(port, FORM + b"Content-Length: 900\r\n\r\na="),
            b"HTTP/1.1 408 Request Timeout\r\n",
        ),
        (connect(port), b""),
    ]
    give_up = time.monotonic() + 60
    for plug, told in slow:
        with plug:
            plug.settimeout(0.2)
            came = b""
            while time.monotonic() < give_up:
                try:
                    plug.sendall(b"x" if told else b"")  # single bytes do not extend the timeout
                    if not (more := plug.recv(1000)):
                        break
                    came += more
                except TimeoutError:
                    continue
                except ConnectionError:
                    break
            assert time.monotonic() < give_up
            assert came.startswith(told)


def test_a_slow_reader_gets_all_of_it(port: int) -> None:
    assert WASM
    with connect(port, receive_buffer=4096) as plug:
        plug.sendall(f"GET {vendor_path()} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        time.sleep(1)
        code, body = answer(plug)
    assert code == 200
    assert hashlib.sha256(body).digest() == hashlib.sha256(WASM.read_bytes()).digest()


@pytest.mark.parametrize(
    "request_",
    [
        FORM + b"Content-Length: 12\r\n\r\nname=nobody1",
        FORM
        + b"Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nname=\r\n7\r\nnobody1\r\n0\r\nX: y\r\n\r\n",
    ],
)
def test_a_request_that_drips_in_is_answered_as_one_that_comes_at_once(
    port: int, request_: bytes
) -> None:
    with connect(port, request_) as at_once, connect(port) as dripping:
        for byte in request_:
            dripping.sendall(bytes([byte]))
            time.sleep(0.005)
        codes = {answer(at_once)[0], answer(dripping)[0]}
        assert codes == {400}  # a form needs its token
        dripping.sendall(ALIVE)
        assert answer(dripping)[0] == 200


def test_requests_that_come_together_are_answered_in_their_order(port: int) -> None:
    post = FORM + b"Content-Length: 3\r\n\r\na=b"
    nothing = b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"
    with connect(port, ALIVE + post + nothing + ALIVE[:9]) as plug, plug.makefile("rb") as reader:
        codes = [next_code(reader) for _ in range(3)]
        plug.sendall(ALIVE[9:])
        assert [*codes, next_code(reader)] == [200, 400, 404, 200]


def next_code(reader: BinaryIO) -> int:
    """Return the status of one of several responses on a connection, and read its body."""
    status = int(reader.readline().split()[1])
    length = int(parse_headers(reader)["Content-Length"])
    assert len(reader.read(length)) == length
    return status


def test_a_client_that_asks_first_is_told_to_go_on(port: int) -> None:
    head = FORM + b"Content-Length: 3\r\nExpect: 100-continue\r\n\r\n"
    with connect(port, head) as plug:
        told = b"HTTP/1.1 100 Continue\r\n\r\n"
        assert plug.recv(len(told)) == told
        plug.sendall(b"a=b")
        assert answer(plug)[0] == 400


def test_what_is_too_large_is_refused_at_once(port: int) -> None:
    large = LARGEST_BODY + 1
    with connect(port, FORM + f"Content-Length: {large}\r\n\r\n".encode()) as plug:
        code, page = answer(plug)
        assert code == 413
        assert b"Too much data" in page
        assert plug.recv(1) == b""
    with connect(port, b"GET / HTTP/1.1\r\nX: " + b"a" * (LONGEST_HEAD + 10)) as plug:
        assert answer(plug)[0] == 431


def test_where_there_is_no_room_the_one_that_waited_longest_goes(tmp_path: Path) -> None:
    services = bootstrap.build_services(load(make_environment(tmp_path)))
    migration.migrate(services.db)
    services.db.close()
    port = free_port()
    bind = f"127.0.0.1:{port}"
    with running(tmp_path, bind, "--worker-connections", "12"), ExitStack() as open_ones:
        until(lambda: is_well(port), 30)
        for _ in range(60):
            open_ones.enter_context(connect(port, b"GET / HTTP/1.1\r\nX-Slow: "))
        for _ in range(10):
            assert status(port, "/sign-in") == 200


@pytest.mark.parametrize(
    "whole",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-LENGTH: 5\r\n\r\n12345",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        (
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"A\r\n\r\n0\r\n\r\nabc\r\n0\r\nT: x\r\n\r\n"
        ),
    ],
)
def test_a_request_is_whole_with_its_last_byte(whole: bytes) -> None:
    inbox = Inbox()
    for byte in whole[:-1]:
        inbox.add(bytes([byte]))
        assert inbox.stage() in {Stage.HEAD, Stage.BODY}
    inbox.add(whole[-1:])
    assert inbox.stage() is Stage.WHOLE
    assert inbox.read(1000) == whole
