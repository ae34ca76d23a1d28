"""Events as programs follow them: a real gateway process, its database, and a client over HTTP."""

import contextlib
import re
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from tests.compilation import make_app
from tests.gateway.events.event_site import (
    EventSite,
    event_site,
    free_port,
    listening,
    path_of,
    until,
)
from tests.portal import PASSWORD
from tests.warm import add_warm
from webapp.domain.people.roles import Role
from webapp.domain.states import Event
from webapp.gateway.events.streams import MOST_OF_A_PERSON
from webapp.services.audit.record import SYSTEM

pytestmark = pytest.mark.timeout(60)

MANY = 1000
"""The number of sessions whose events exceed a connection's buffers."""
AT_ONCE = 2.0
"""Maximum seconds until a stream ends, or an event arrives."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EventSite]:
    port = free_port()
    with event_site(
        tmp_path_factory.mktemp("events"), WINUX_PUBLIC_URL=f"http://127.0.0.1:{port}"
    ) as made:
        yield made


def with_key(site: EventSite, name: str, *scopes: str) -> dict[str, str]:
    return site.known_key(name, *scopes)


def ask(site: EventSite, public_id: str | None, headers: dict[str, str]) -> requests.Response:
    return requests.get(site.url + path_of(public_id), headers=headers, timeout=10)


def signed_in(site: EventSite, name: str) -> dict[str, str]:
    """Return the cookie that the portal gives a browser."""
    client = make_app(site.services).test_client()
    page = client.get("/sign-in").get_data(as_text=True)
    token = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', page)
    assert token
    form = {"name": name, "password": PASSWORD, "csrf_token": token[1]}
    assert client.post("/sign-in", data=form).status_code == 303
    cookie = client.get_cookie("winux")
    assert cookie
    return {"Cookie": f"winux={cookie.value}"}


def test_a_whole_life_is_told_as_it_happens(site: EventSite) -> None:
    public_id = site.launch("alice")
    with listening(site, public_id, with_key(site, "alice")) as stream:
        first = stream.next()
        assert (first.name, first.data["status"]) == ("session", "queued")
        assert first.data["session_sub"] == public_id
        assert first.after < 1
        site.change(public_id, Event.BUILD_STARTED)
        site.step(public_id, "desktop_clone", "desktop_configure")
        assert stream.next().data["status"] == "building"
        heard = [stream.next() for _ in range(2)]
        assert [(one.data["step"], one.data["step_status"]) for one in heard] == [
            ("desktop_clone", "done"),
            ("desktop_configure", "running"),
        ]
        site.change(public_id, Event.BUILT)
        assert stream.next().data["step_status"] == "done"
        ready = stream.next()
        assert (ready.name, ready.data["status"]) == ("state", "ready")
        site.services.lifetime.extend(site.person("alice"), public_id, 15)
        deadline = stream.next()
        assert deadline.name == "deadline"
        assert str(deadline.data["expires_at"]) > str(ready.data["expires_at"])
        site.services.lifetime.stop(site.person("alice"), public_id)
        began = time.monotonic()
        assert stream.next().data["status"] == "stopping"
        assert time.monotonic() - began < AT_ONCE
        site.change(public_id, Event.DESTROYED)
        [end] = stream.rest()
        assert (end.name, end.data["end_reason"]) == ("end", "asked")


def test_a_stream_goes_on_where_it_was_left(site: EventSite) -> None:
    public_id = site.launch("alice")
    headers = with_key(site, "alice")
    with listening(site, public_id, headers) as stream:
        site.change(public_id, Event.BUILD_STARTED)
        site.step(public_id, "desktop_clone")
        left_at = [stream.next() for _ in range(3)][-1].id
    site.step(public_id, "desktop_configure", "desktop_start")
    with listening(site, public_id, {**headers, "Last-Event-ID": left_at}) as stream:
        missed = [stream.next() for _ in range(3)]
        assert [(one.data["step"], one.data["step_status"]) for one in missed] == [
            ("desktop_clone", "done"),
            ("desktop_configure", "done"),
            ("desktop_start", "running"),
        ]
        site.end(public_id)
        end = stream.rest()[-1]
        assert end.name == "end"
    over = ask(site, public_id, {**headers, "Last-Event-ID": end.id})
    assert (over.status_code, over.text) == (204, "")


def test_what_is_over_is_told_and_the_stream_ends(site: EventSite) -> None:
    public_id = site.make_ready("alice")
    site.end(public_id)
    for last in ("", "nonsense", f"desktop-00000000:{'ended'}:1:1:1"):
        with listening(
            site, public_id, {**with_key(site, "alice"), "Last-Event-ID": last}
        ) as stream:
            assert [one.name for one in stream.rest()] == ["session", "end"]


def test_all_of_ones_own_come_in_one_stream_and_nobody_elses(site: EventSite) -> None:
    site.person("carol")
    old = site.make_ready("carol")
    with listening(site, None, with_key(site, "carol")) as stream:
        assert stream.next().data["session_sub"] == old
        site.make_ready("alice")
        new = site.launch("carol")
        launched = stream.next()
        assert (launched.name, launched.data["session_sub"]) == ("session", new)
        site.end(old)
        assert (stream.next().name, launched.id) == ("end", "")


def test_no_secret_is_told(site: EventSite) -> None:
    public_id = site.make_ready("alice")
    password = site.services.credentials.reveal(site.person("alice"), public_id).password
    with listening(site, public_id, with_key(site, "alice")) as stream:
        assert password not in str(stream.next().data)


# -- who may listen -----------------------------------------------------------------------------


def test_unauthenticated_are_refused_with_a_problem_document(site: EventSite) -> None:
    public_id = site.make_ready("alice")
    for headers in ({}, {"X-API-Key": "wx_12345678_" + "x" * 40}, {"Authorization": "Basic eDp5"}):
        answer = ask(site, public_id, headers)
        assert answer.status_code == 401
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.json()["type"].endswith("/api/v1/problems/unauthorized")
        assert answer.json()["what_to_do"]


def test_other_peoples_sessions_are_not_there_but_for_admins(site: EventSite) -> None:
    public_id = site.make_ready("alice")
    site.person("boss", role=Role.ADMIN)
    for name, scopes, status in [
        ("bob", ("launch",), 404),
        ("boss", ("launch",), 404),
        ("boss", ("admin",), 200),
        ("alice", ("read",), 200),
    ]:
        key = site.key(name, *scopes)[1]
        with requests.get(
            site.url + path_of(public_id), headers={"Authorization": f"Bearer {key}"}, stream=True
        ) as answer:
            assert answer.status_code == status, (name, scopes)
    there, missing = (ask(site, one, with_key(site, "bob")) for one in (public_id, "desktop-nope"))
    assert there.json() == missing.json()


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"Origin": "OWN"}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Referer": "OWN/desktops"}, 200),
        ({"Origin": "http://evil.test"}, 401),
        ({"Origin": "null"}, 401),
        ({"Sec-Fetch-Site": "same-site"}, 401),
        ({"Referer": "http://evil.test/"}, 401),
        ({}, 401),
    ],
)
def test_the_sign_in_counts_on_the_portals_own_pages_alone(
    site: EventSite, more: dict[str, str], status: int
) -> None:
    public_id = site.make_ready("alice")
    own = site.services.config.public_url
    headers = {name: value.replace("OWN", own) for name, value in more.items()}
    with requests.get(
        site.url + path_of(public_id), headers={**signed_in(site, "alice"), **headers}, stream=True
    ) as answer:
        assert answer.status_code == status
        is_own = headers.get("Origin") == own
        assert (answer.headers.get("Access-Control-Allow-Origin") == own) == is_own


def test_a_cookie_that_somebody_made_is_no_sign_in(site: EventSite) -> None:
    public_id = site.make_ready("alice")
    cookie = signed_in(site, "alice")["Cookie"]
    origin = {"Origin": site.services.config.public_url}
    for value in (cookie[:-2] + "xx", "winux=e30.x.y", "winux=", "=;=", "winux=" + "A" * 5000):
        assert ask(site, public_id, {"Cookie": value, **origin}).status_code == 401


def ends_within(
    site: EventSite, headers: dict[str, str], act: Callable[[], object], reason: str
) -> None:
    public_id = site.make_ready("alice")
    with listening(site, public_id, headers) as stream:
        stream.next()
        act()
        began = time.monotonic()
        [closed] = stream.rest()
        assert time.monotonic() - began < AT_ONCE
    assert (closed.name, closed.data) == ("closed", {"reason": reason})
    assert ask(site, public_id, headers).status_code == 401


def test_a_revoked_key_ends_its_streams(site: EventSite) -> None:
    key_id, text = site.key("alice")
    revoke = site.services.keys.revoke
    ends_within(site, {"X-API-Key": text}, lambda: revoke(site.person("alice"), key_id), "key")


def test_an_ended_sign_in_ends_its_streams(site: EventSite) -> None:
    site.person("alice")
    headers = {**signed_in(site, "alice"), "Origin": site.services.config.public_url}
    accounts, alice = site.services.accounts, site.person("alice")

    def sign_out_everywhere() -> None:
        for one in accounts.sign_ins(alice.person_id or 0):
            accounts.end_sign_in(alice, one.id)

    ends_within(site, headers, sign_out_everywhere, "sign_in")


def test_a_disabled_person_hears_nothing_more(site: EventSite) -> None:
    headers = {"X-API-Key": site.key("alice")[1]}
    try:
        suspend = site.services.accounts.suspend
        ends_within(site, headers, lambda: suspend(SYSTEM, "alice"), "key")
    finally:
        site.services.accounts.restore(SYSTEM, "alice")
        site.forget_keys()


def test_trying_keys_is_limited(tmp_path: Path) -> None:
    with event_site(tmp_path) as site:
        answers = [ask(site, None, {"X-API-Key": f"wx_{n:08}_{'x' * 40}"}) for n in range(200)]
        statuses = [one.status_code for one in answers]
        assert (statuses[0], statuses[-1]) == (401, 429)
        assert int(answers[-1].headers["Retry-After"]) > 0
        assert can_listen(site, with_key(site, "alice"))


def test_a_desktop_of_the_pool_is_nobodys_session(tmp_path: Path) -> None:
    with event_site(tmp_path) as site:
        site.person("boss", role=Role.ADMIN)
        [public_id] = add_warm(site.services)
        assert ask(site, public_id, with_key(site, "boss", "admin")).status_code == 404


# -- limits -------------------------------------------------------------------------------------


def test_a_person_has_so_many_streams_and_no_more(site: EventSite) -> None:
    headers = with_key(site, "dora")
    open_ones = [
        requests.get(site.url + path_of(None), headers=headers, stream=True, timeout=10)
        for _ in range(MOST_OF_A_PERSON)
    ]
    refused = ask(site, None, headers)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "10")
    open_ones.pop().close()
    until(lambda: can_listen(site, headers))
    for one in open_ones:
        one.close()


def can_listen(site: EventSite, headers: dict[str, str]) -> bool:
    with requests.get(site.url + path_of(None), headers=headers, stream=True) as answer:
        return answer.ok


def test_a_reader_that_does_not_read_is_dropped_and_others_hear_on(site: EventSite) -> None:
    key = with_key(site, "dora")["X-API-Key"]
    with socket.socket() as plug, listening(site, None, with_key(site, "erin")) as other:
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        plug.settimeout(20)
        plug.connect(("127.0.0.1", site.port))
        plug.sendall(f"GET /api/v1/events HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\n\r\n".encode())
        assert plug.recv(15) == b"HTTP/1.1 200 OK"
        site.add_queued("dora", MANY)
        time.sleep(AT_ONCE)  # it does not read during this time
        mine = site.launch("erin")
        assert other.next().data["session_sub"] == mine
        assert read_to_the_end(plug).count(b"event: session") < MANY


def read_to_the_end(plug: socket.socket) -> bytes:
    """Return everything that still arrives on a connection that the other side has closed."""
    heard = b""
    with contextlib.suppress(ConnectionResetError):
        while data := plug.recv(65_536):
            heard += data
    return heard


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        (b"POST /api/v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 405),
        (b"GET /api/v1/sessions HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"GET /api/v1/events HTTP/1.1\r\n\r\n", 400),
        (b"GET /api/v1/events HTTP/1.1\r\nHost: x\r\nHo st: x\r\n\r\n", 400),
        (b"GET /api/v1/events HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", 431),
        (b"GET /api/ \x00\x01\r\n\r\n", 400),
        (b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"GET /apix HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    ],
)
def test_strange_requests_are_answered_and_closed(
    site: EventSite, request_text: bytes, status: int
) -> None:
    answer = exchange(site.port, [request_text])
    assert answer.startswith(f"HTTP/1.1 {status} ".encode()), answer[:200]


def test_a_request_may_come_in_small_pieces(site: EventSite) -> None:
    text = b"GET /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = exchange(site.port, [text[at : at + 1] for at in range(len(text))])
    assert answer.startswith(b"HTTP/1.1 401 ")


@pytest.mark.sampled(1)
@pytest.mark.parametrize("begin", [b"", b"GET /ap", b"GET /api/v1/events HTTP/1.1\r\nHost: "])
def test_a_request_that_never_comes_to_its_end_is_not_waited_for(
    site: EventSite, begin: bytes
) -> None:
    began = time.monotonic()
    exchange(site.port, [begin] if begin else [])
    assert 8 < time.monotonic() - began < 22


def exchange(port: int, pieces: list[bytes]) -> bytes:
    """Return everything that the gateway answers until it closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as plug:
        for piece in pieces:
            plug.sendall(piece)
        return read_to_the_end(plug)


def test_a_gateway_that_stops_tells_its_listeners(tmp_path: Path) -> None:
    with event_site(tmp_path, WINUX_GATEWAY_MAX_LISTENERS="1") as site:
        public_id = site.make_ready("alice")
        headers = with_key(site, "alice")
        with listening(site, public_id, headers) as stream:
            stream.next()
            full = ask(site, public_id, headers)
            assert (full.status_code, "Retry-After" in full.headers) == (503, True)
            site.process.terminate()
            [closed] = stream.rest()
        assert closed.data == {"reason": "restart"}
        assert site.process.wait(20) == 0


def test_a_quiet_stream_shows_that_it_lives(site: EventSite) -> None:
    public_id = site.make_ready("alice")
    with listening(site, public_id, with_key(site, "alice"), timeout=40) as stream:
        stream.next()
        time.sleep(16)
        site.end(public_id)
        assert stream.rest()[-1].name == "end"
        assert stream.comments == 1
