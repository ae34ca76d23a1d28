"""Refusals as sentences: parameters as words, and what an audit entry keeps of them."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from webapp.domain.audit.stored_refusal import from_stored, to_stored
from webapp.domain.desktops.launch_limits import LimitReached, RunningDesktop
from webapp.domain.errors import BadInput, NotFound, OutsideFailed, Refused, TooMany
from webapp.texts.sentences import SENTENCES, message, sentence, stored_message, what_to_do

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
XFCE = RunningDesktop("desktop-1", "xfce", "XFCE", NOON - timedelta(minutes=61))


@pytest.mark.parametrize(
    ("wait", "words"), [(0.2, "1 s"), (45, "45 s"), (59.5, "1 min"), (61, "2 min"), (900, "15 min")]
)
def test_a_time_to_wait_is_rounded_up(wait: float, words: str) -> None:
    refused = TooMany("too_many_sign_ins", retry_after=timedelta(seconds=wait))
    assert sentence(refused) == f"Too many failed sign-ins. Try again in {words}."


def test_untrusted_text_cannot_reach_a_terminal() -> None:
    said = message(NotFound("template", name="\x1b[2J\u202enice"))
    assert (
        said == "There is no template '\N{REPLACEMENT CHARACTER}[2J\N{REPLACEMENT CHARACTER}nice'."
    )


def test_a_percent_sign_in_a_parameter_is_text() -> None:
    assert "'%(name)s 100 %'" in message(BadInput("template", "template", name="%(name)s 100 %"))


@pytest.mark.parametrize("reason", ["limit", "template_limit"])
@pytest.mark.parametrize(("running", "stopping"), [([XFCE], 0), ([XFCE], 1), ([], 2), ([], 0)])
def test_a_reached_limit_has_a_sentence_for_every_way_on(
    reason: str, running: list[RunningDesktop], stopping: int
) -> None:
    reached = LimitReached(reason, running, 1, "xfce", title="XFCE", stopping=stopping, at=NOON)
    assert f"You have {len(running)} of 1 " in message(reached)
    assert ("stopping" in message(reached)) == bool(stopping)
    assert ("desktop-1 (XFCE, 1 h 1 min old)" in what_to_do(reached)) == (
        bool(running) and not stopping
    )
    assert what_to_do(reached)


def test_a_failure_says_its_own_message() -> None:
    failed = OutsideFailed("It is down.", retry=True, what_to_do="Start it.")
    assert sentence(failed) == "It is down. Start it." == str(failed)


def test_a_log_line_has_the_code_and_the_parameters() -> None:
    refused = TooMany("launch_rate", retry_after=timedelta(seconds=90), launches=5)
    assert str(refused) == "launch_rate(wait=90 s, launches=5)"


def test_a_stored_refusal_says_the_same() -> None:
    for refused in (
        TooMany("launch_rate", retry_after=timedelta(seconds=90), launches=5),
        BadInput("scopes", "unknown_scope", scope="all", choices=("read", "launch")),
        Refused("full"),
    ):
        stored = json.loads(json.dumps(to_stored(refused)))
        assert from_stored(stored) == (refused.code, dict(refused.parameters))
        assert stored_message(stored) == message(refused)


def test_a_stored_refusal_is_of_limited_size() -> None:
    endless = Refused("full", name="x" * 10_000, names=("x" * 10_000,) * 1000)
    assert len(json.dumps(to_stored(endless))) < 5000


@pytest.mark.parametrize(
    "stored", [{}, {"code": 5}, {"code": "launch_rate", "parameters": {"launches": {}}}]
)
def test_what_cannot_be_read_is_shown_as_its_code(stored: dict[str, object]) -> None:
    assert stored_message(stored) == str(stored.get("code", ""))


def test_no_sentence_needs_another_one() -> None:
    assert all(one.message for one in SENTENCES.values())
