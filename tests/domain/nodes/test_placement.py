"""The choice of a desktop's node: properties that hold for every cluster."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from webapp.domain.nodes.placement import (
    SLOW,
    NodeRoom,
    Source,
    Wait,
    count_fitting,
    decide_placement,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
STALE = timedelta(minutes=5)
NAMES = ("a", "b", "c")


def rooms() -> st.SearchStrategy[dict[str, NodeRoom]]:
    room = st.builds(
        NodeRoom,
        name=st.just(""),
        is_usable=st.booleans(),
        answered=st.sampled_from([None, timedelta(milliseconds=5), SLOW * 2]),
        free_mb=st.none() | st.integers(0, 8192),
        storage_free_gb=st.none() | st.integers(0, 5),
        promised_mb=st.integers(0, 4096),
        desktops=st.integers(0, 5),
    )
    return st.dictionaries(st.sampled_from(NAMES), room)


def sources() -> st.SearchStrategy[list[Source]]:
    source = st.builds(
        Source,
        vmid=st.integers(29001, 29009),
        node=st.sampled_from(NAMES),
        version=st.just("1"),
        is_busy=st.booleans(),
        is_missing=st.booleans(),
        locked_at=st.none() | st.sampled_from([NOW, NOW - STALE]),
    )
    return st.lists(source, max_size=5, unique_by=lambda one: one.vmid)


def decide(sources: list[Source], rooms: dict[str, NodeRoom], need_mb: int = 1024) -> Source | Wait:
    return decide_placement(sources, rooms, need_mb, 512, NOW, STALE)


@given(sources(), rooms())
def test_a_desktop_goes_only_where_everything_it_needs_is(
    sources: list[Source], rooms: dict[str, NodeRoom]
) -> None:
    chosen = decide(sources, rooms)
    if isinstance(chosen, Wait):
        return
    room = rooms.get(chosen.node, NodeRoom(chosen.node))
    assert chosen in sources
    assert room.is_usable
    assert not chosen.is_busy
    assert chosen.locked_at is None
    assert room.free_mb is None or room.free_mb - room.promised_mb - 512 >= 1024
    assert room.storage_free_gb != 0


@given(sources(), rooms())
def test_one_good_place_is_always_found_whatever_the_others_are_like(
    sources: list[Source], rooms: dict[str, NodeRoom]
) -> None:
    good = Source(29010, "good", "1")
    rooms["good"] = NodeRoom("good", free_mb=2048, storage_free_gb=10)
    assert isinstance(decide([*sources, good], rooms), Source)


@given(sources(), rooms())
def test_what_is_said_while_waiting_is_true(
    sources: list[Source], rooms: dict[str, NodeRoom]
) -> None:
    verdict = decide(sources, rooms)
    if verdict == Wait.DOWN:
        there = [one for one in sources if not one.is_missing] or sources
        assert not any(rooms.get(one.node, NodeRoom("")).is_usable for one in there)
    if verdict == Wait.BUSY:
        idle = [
            Source(one.vmid, one.node, one.version, False, one.is_missing)
            for one in sources
            if not one.is_stuck(NOW, STALE)
        ]
        assert isinstance(decide(idle, rooms), Source)
    if verdict == Wait.FULL:
        assert decide(sources, rooms, need_mb=-100_000) != Wait.FULL or any(
            room.storage_free_gb == 0 for room in rooms.values()
        )


def test_the_node_with_the_most_memory_left_is_taken() -> None:
    three = [Source(29001 + n, name, "1") for n, name in enumerate(NAMES)]
    free = {
        "a": NodeRoom("a", free_mb=4000),
        "b": NodeRoom("b", free_mb=9000, promised_mb=6000),
        "c": NodeRoom("c", free_mb=5000),
    }
    assert decide(three, free) == three[2]


def test_a_slow_node_is_the_last_choice_but_a_choice() -> None:
    slow = Source(29001, "a", "1")
    quick = Source(29002, "b", "1")
    free = {
        "a": NodeRoom("a", answered=SLOW * 2, free_mb=64_000),
        "b": NodeRoom("b", answered=SLOW / 4, free_mb=2000),
    }
    assert decide([slow, quick], free) == quick
    assert decide([slow], free) == slow


def test_begun_desktops_spread_where_memory_cannot_be_seen() -> None:
    two = [Source(29001, "a", "1"), Source(29002, "b", "1")]
    begun = {"a": NodeRoom("a", desktops=2), "b": NodeRoom("b", desktops=1)}
    assert decide(two, begun) == two[1]


def test_a_source_that_somebody_else_locked_waits_and_another_is_taken() -> None:
    locked = Source(29001, "a", "1", locked_at=NOW)
    sound = Source(29002, "b", "1")
    assert decide([locked, sound], {}) == sound
    assert decide([locked], {}) == Wait.BUSY


def test_a_stuck_source_stops_only_itself() -> None:
    stuck = Source(29001, "a", "1", locked_at=NOW - STALE)
    sound = Source(29002, "b", "1")
    assert decide([stuck, sound], {}) == sound
    assert decide([stuck], {}) == Wait.STUCK


@given(rooms(), st.integers(1, 4096))
def test_as_many_fit_as_can_be_placed_one_after_the_other(
    rooms: dict[str, NodeRoom], need_mb: int
) -> None:
    fits = count_fitting(rooms.values(), need_mb, 512)
    usable = [one for one in rooms.values() if one.is_usable]
    if fits is None:
        assert any(one.free_mb is None for one in usable)
        return
    placed = 0
    for one in usable:
        left = (one.free_mb or 0) - one.promised_mb - 512
        while left >= need_mb and one.storage_free_gb != 0:
            left, placed = left - need_mb, placed + 1
    assert placed == fits
