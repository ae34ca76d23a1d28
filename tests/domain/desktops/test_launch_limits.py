"""The limit of desktops per person, what a refusal lists, and the ways to proceed."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.refusals import refuses
from webapp.domain.desktops.launch_limits import (
    LimitReached,
    RunningDesktop,
    decide_room,
    decide_what_to_close,
)
from webapp.domain.errors import BadInput
from webapp.texts.sentences import message, what_to_do

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
YOUNG = RunningDesktop("desktop-bbbbbbbb", "xfce", "XFCE", NINE - timedelta(minutes=4))
OLD = RunningDesktop("desktop-aaaaaaaa", "mate", "MATE", NINE - timedelta(minutes=75))


def refusal(
    running: list[RunningDesktop], limit: int, template: str | None = "xfce", own: int | None = None
) -> LimitReached:
    with pytest.raises(LimitReached) as refused:
        decide_room(running, limit, template, own, NINE)
    return refused.value


def test_below_the_limits_nothing_is_refused() -> None:
    decide_room([YOUNG, OLD], 3, "xfce", 2, NINE)
    decide_room([YOUNG, OLD], 3, "xfce", None, NINE)


def test_the_refusal_lists_what_runs_with_ages_and_the_ways_out() -> None:
    refused = refusal([YOUNG, OLD], 2)
    assert (refused.reason, message(refused)) == ("limit", "You have 2 of 2 desktops.")
    assert (
        "desktop-aaaaaaaa (MATE, 1 h 15 min old), desktop-bbbbbbbb (XFCE, 4 min old)"
        in what_to_do(refused)
    )
    assert refused.running == (OLD, YOUNG)
    assert refused.suggested_actions == (
        "reuse_existing",
        "close_oldest",
        "close_session:desktop-aaaaaaaa",
        "close_session:desktop-bbbbbbbb",
    )


def test_what_does_not_run_cannot_be_reused() -> None:
    assert "reuse_existing" not in refusal([OLD], 1).suggested_actions
    assert "reuse_existing" not in refusal([OLD], 1, template=None).suggested_actions


def test_a_template_has_a_limit_of_its_own_that_lists_its_desktops_alone() -> None:
    refused = refusal([YOUNG, OLD], 9, "mate", own=1)
    assert (refused.reason, message(refused)) == (
        "template_limit",
        "You have 1 of 1 MATE desktops.",
    )
    assert refused.running == (OLD,)
    decide_room([YOUNG, OLD], 9, "xfce", 2, NINE)


@pytest.mark.parametrize(("limit", "own"), [(0, None), (3, 0)])
def test_who_may_have_none_is_told_whom_to_ask(limit: int, own: int | None) -> None:
    refused = refusal([], limit, own=own)
    assert "Ask the people" in what_to_do(refused)
    assert refused.suggested_actions == ()


def test_the_ways_out_name_a_desktop_that_runs() -> None:
    reached = refusal([YOUNG, OLD], 2)
    assert decide_what_to_close(reached, "close_oldest") == OLD
    assert decide_what_to_close(reached, "close_session:desktop-bbbbbbbb") == YOUNG


def test_a_desktop_that_does_not_run_any_more_is_no_way_out() -> None:
    reached = refusal([YOUNG], 1)
    with pytest.raises(LimitReached) as again:
        decide_what_to_close(reached, "close_session:desktop-cccccccc")
    assert again.value is reached
    with pytest.raises(LimitReached):
        decide_what_to_close(refusal([], 0), "close_oldest")


@pytest.mark.parametrize("way", ["nonsense", "close", "reuse_existing", "close_session"])
def test_another_word_is_no_way_out(way: str) -> None:
    with refuses(BadInput, match="no way to make room"):
        decide_what_to_close(refusal([YOUNG], 1), way)
