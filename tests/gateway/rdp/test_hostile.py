"""Hostile bytes: for any input the parsers raise ProtocolError or continue, and stay small."""

import contextlib
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.gateway.fake_browser import rdcleanpath_request
from tests.gateway.rdp import recorded
from tests.gateway.rdp.remotefx_messages import SCREEN, message, pdus_of
from webapp.gateway.connection.wire import ProtocolError
from webapp.gateway.rdp.clipboard import Rules
from webapp.gateway.rdp.conversation import Conversation
from webapp.gateway.rdp.pdu import rdcleanpath, x224
from webapp.gateway.rdp.pdu.client_info import Login
from webapp.gateway.rdp.pdu.remotefx import Rectangle
from webapp.gateway.rdp.pdu.work import Work
from webapp.gateway.rdp.surface import RegionFixer
from webapp.gateway.rdp.terms import Terms

RECORDS = recorded.beginning(recorded.read("xfce-with-resize"), 5_000)
STRICT = Terms(Login("a", "b"), Rules(into_desktop=False, out_of_desktop=False))
ROOT = Path(__file__).resolve().parents[3]
CORPUS = Path(__file__).parent / "corpus"
patient = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    max_examples=settings.default.max_examples * 3 // 2,
)


def feed(conversation: Conversation, records: list[tuple[int, bytes]]) -> None:
    with contextlib.suppress(ProtocolError):
        list(recorded.replayed(conversation, records))


@patient
@given(st.binary(max_size=300))
@example(rdcleanpath_request("x")[:20])
def test_any_first_message(message: bytes) -> None:
    for parse in (rdcleanpath.parse_request, x224.check_request, x224.check_confirm):
        with contextlib.suppress(ProtocolError):
            parse(message)


@patient
@given(
    st.integers(0, len(RECORDS)), st.lists(st.tuples(st.integers(0, 1), st.binary(max_size=200)))
)
def test_any_bytes_at_any_moment(moment: int, strange: list[tuple[int, bytes]]) -> None:
    conversation = Conversation(STRICT)
    list(recorded.replayed(conversation, RECORDS[:moment]))
    feed(conversation, strange)


@patient
@given(
    st.integers(0, len(RECORDS) - 1),
    st.integers(0, 5000),
    st.binary(min_size=1, max_size=8),
    st.booleans(),
)
def test_a_real_connection_with_bytes_changed_or_cut_out(
    which: int, place: int, change: bytes, is_cut: bool
) -> None:
    direction, data = RECORDS[which]
    place %= len(data)
    changed = data[:place] + (b"" if is_cut else change) + data[place + len(change) :]
    feed(Conversation(STRICT), [*RECORDS[:which], (direction, changed), *RECORDS[which + 1 :]])


@pytest.mark.parametrize("direction", [recorded.FROM_BROWSER, recorded.FROM_DESKTOP])
def test_an_endless_stream_of_nothing_whole_stays_small(direction: int) -> None:
    conversation = Conversation(STRICT)
    list(recorded.replayed(conversation, RECORDS))
    piece = b"\x03\x00\xff\xff" + bytes(1000)
    tracemalloc.start()
    feed(conversation, [(direction, piece)] + [(direction, bytes(1000))] * 3000)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 4 << 20


def test_a_fast_path_update_that_ends_in_its_header() -> None:
    with pytest.raises(ProtocolError, match="does not end with its last update"):
        RegionFixer(Work()).take(b"\x00\x04\x04\x04")


def test_a_surface_command_that_never_ends_is_not_collected_for_ever() -> None:
    mender = RegionFixer(Work())
    mender.resize(*SCREEN)
    thin = [Rectangle(0, 5, 10, 1), Rectangle(20, 5, 10, 1)]
    first, following = pdus_of(message(thin, [(0, 0)] * 1600))[:2]
    mender.take(first)
    endless = following[:3] + bytes([0x34]) + following[4:]
    tracemalloc.start()
    for _ in range(2000):
        mender.take(endless)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1 << 20
    assert mender.partial.take(), "what was not mended is asked for again"


@pytest.mark.slow
def test_a_short_run_of_the_fuzzer_finds_nothing(tmp_path: Path) -> None:
    run = subprocess.run(
        [
            # The kernel hands the peak memory of the test process on to its child, and libFuzzer
            # would count it. A grandchild has its own.
            "sh",
            "-c",
            '"$@"; exit $?',
            "sh",
            sys.executable,
            "-m",
            "tests.gateway.rdp.fuzz_rdp",
            tmp_path,
            CORPUS,
            "-max_total_time=8",
            "-seed=1",
            "-rss_limit_mb=600",
            f"-artifact_prefix={tmp_path}/",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    assert "DONE" in run.stderr
