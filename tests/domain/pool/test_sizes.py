"""The size of a pool, and the actions that follow from it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.domain.errors import BadInput
from webapp.domain.pool.sizes import (
    LONGEST_COOL_DOWN,
    Drain,
    PoolDesktop,
    PoolNumbers,
    Size,
    Steps,
    Why,
    busiest,
    check_numbers,
    cool_down_until,
    decide_room,
    decide_size,
    decide_steps,
    share_room,
)
from webapp.domain.states import State

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
AGE = timedelta(hours=12)
PLAIN = PoolNumbers(minimum=1, target=3, maximum=8)
FOLLOWING = PoolNumbers(minimum=1, target=3, maximum=8, follows_demand=True)


def ago(**parts: float) -> datetime:
    return NINE - timedelta(**parts)


def warm(name: str, *, is_current: bool = True, **age: float) -> PoolDesktop:
    return PoolDesktop(name, State.WARM, ago(**age), is_current)


def making(name: str, state: State = State.QUEUED, **age: float) -> PoolDesktop:
    return PoolDesktop(name, state, ago(**age))


# -- how large ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("numbers", "demand", "scheduled", "size"),
    [
        (PoolNumbers(), 9, 0, Size(0, Why.OFF)),
        (PLAIN, 0, 0, Size(3, Why.TARGET)),
        (PLAIN, 7, 0, Size(3, Why.TARGET)),  # no demand is followed
        (FOLLOWING, 0, 0, Size(1, Why.QUIET)),
        (FOLLOWING, 2, 0, Size(3, Why.TARGET)),
        (FOLLOWING, 5, 0, Size(5, Why.DEMAND)),
        (FOLLOWING, 50, 0, Size(8, Why.MAXIMUM)),
        (FOLLOWING, 5, 6, Size(6, Why.SCHEDULE)),
        (FOLLOWING, 0, 1, Size(1, Why.QUIET)),
        (PLAIN, 0, 30, Size(8, Why.MAXIMUM)),
    ],
)
def test_the_largest_wish_counts_within_the_maximum(
    numbers: PoolNumbers, demand: int, scheduled: int, size: Size
) -> None:
    assert decide_size(numbers, demand=demand, scheduled=scheduled) == size


def test_demand_is_the_busiest_five_minutes_of_the_last_hour() -> None:
    launches = [ago(minutes=one) for one in (61, 62, 63, 64, 40, 39, 38, 34, 10, 2)]
    assert busiest(launches, NINE) == 3
    assert busiest(launches, NINE + timedelta(minutes=22)) == 2
    assert busiest(launches, NINE + timedelta(hours=2)) == 0
    assert busiest([], NINE) == 0


@given(st.lists(st.integers(0, 3600), max_size=40))
def test_demand_is_never_more_than_the_launches_and_never_none_of_some(ages: list[int]) -> None:
    found = busiest([ago(seconds=age) for age in ages], NINE)
    assert min(len(ages), 1) <= found <= len(ages)
    assert found == max((sum(0 <= other - age <= 300 for other in ages) for age in ages), default=0)


@pytest.mark.parametrize(
    "numbers",
    [
        PoolNumbers(minimum=2, target=1, maximum=3),
        PoolNumbers(target=4, maximum=3),
        PoolNumbers(minimum=-1),
        PoolNumbers(maximum=1001),
        PoolNumbers(longest_age=timedelta(minutes=4)),
    ],
)
def test_numbers_that_contradict_each_other_are_refused(numbers: PoolNumbers) -> None:
    with pytest.raises(BadInput):
        check_numbers(numbers)
    check_numbers(PLAIN)


@pytest.mark.parametrize(
    ("fits", "ahead", "room"),
    [
        (None, 0, 82),  # memory is unknown: 100 places, 8 taken, 10 left free
        (500, 0, 82),
        (4, 0, 9),  # 6 exist and 4 more fit, one of which is kept for people
        (0, 0, 6),  # none is removed for lack of memory…
        (0, 2, 3),  # …until a person waits for it
        (9, 2, 12),
    ],
)
def test_people_have_the_first_right_to_places_and_memory(
    fits: int | None, ahead: int, room: int
) -> None:
    assert decide_room(places=100, others=8, pooled=6, begun=6, fits=fits, ahead=ahead) == room


def test_pools_share_the_room_that_people_leave() -> None:
    sizes = {1: Size(5, Why.TARGET), 2: Size(2, Why.SCHEDULE), 3: Size(0, Why.OFF)}
    minimums = {1: 1, 2: 2, 3: 0}
    assert share_room(sizes, minimums, 7) == sizes
    shared = share_room(sizes, minimums, 4)
    assert shared == {1: Size(2, Why.NO_ROOM), 2: sizes[2], 3: sizes[3]}
    assert [size.desktops for size in share_room(sizes, minimums, -3).values()] == [0, 0, 0]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=5), st.integers(-5, 50))
def test_shared_room_is_never_exceeded_nor_wasted(pools: list[tuple[int, int]], room: int) -> None:
    sizes = {key: Size(max(pool), Why.TARGET) for key, pool in enumerate(pools)}
    shared = share_room(sizes, {key: min(pool) for key, pool in enumerate(pools)}, room)
    wanted = sum(size.desktops for size in sizes.values())
    assert sum(size.desktops for size in shared.values()) == min(wanted, max(room, 0))


# -- what to do ---------------------------------------------------------------------------------


def steps(*desktops: PoolDesktop, size: int, free: int = 9) -> Steps:
    return decide_steps(desktops, size, AGE, NINE, free)


def test_what_is_missing_is_built_as_far_as_builds_are_free() -> None:
    assert steps(size=3) == Steps(3)
    assert steps(size=3, free=2) == Steps(2)
    assert steps(size=3, free=0) == Steps()
    assert steps(warm("a"), making("b"), size=3) == Steps(1)
    assert not steps(warm("a"), size=1)


def test_a_pool_made_smaller_gives_up_its_oldest_and_what_is_furthest_from_being_warm() -> None:
    desktops = (
        warm("older", hours=2),
        warm("newer", hours=1),
        making("begun", State.BUILDING, minutes=1),
        making("queued"),
    )
    assert steps(*desktops, size=3) == Steps(drain={"queued": Drain.SMALLER})
    assert steps(*desktops, size=2).drain == {"queued": Drain.SMALLER, "begun": Drain.SMALLER}
    assert steps(*desktops, size=1).drain.keys() == {"queued", "begun", "older"}
    assert steps(*desktops, size=0).drain.keys() == {"queued", "begun", "older", "newer"}


def test_what_is_made_of_an_older_version_goes_at_once_and_is_built_anew() -> None:
    old = warm("old", is_current=False)
    assert steps(old, warm("new"), size=2) == Steps(1, {"old": Drain.OLD_VERSION})


def test_what_is_too_old_goes_only_when_its_replacement_is_warm() -> None:
    old = warm("old", hours=13)
    assert steps(old, size=1) == Steps(1)
    assert steps(old, making("next"), size=1) == Steps()
    assert steps(old, warm("next"), size=1) == Steps(drain={"old": Drain.TOO_OLD})


def test_a_whole_pool_that_is_too_old_is_replaced_a_few_at_a_time() -> None:
    desktops = [warm(f"old{number}", hours=13) for number in range(8)]
    assert steps(*desktops, size=8) == Steps(2)
    assert steps(*desktops, size=8, free=1) == Steps(1)


ONE = st.builds(
    PoolDesktop,
    public_id=st.uuids().map(str),
    state=st.sampled_from([State.QUEUED, State.BUILDING, State.WARM]),
    since=st.integers(0, 2000).map(lambda minutes: ago(minutes=minutes)),
    is_current=st.booleans(),
)


@given(
    st.lists(ONE, max_size=12, unique_by=lambda one: one.public_id),
    st.integers(0, 8),
    st.integers(1, 4),
)
def test_from_anywhere_a_pool_comes_to_its_size_and_stays_there(
    desktops: list[PoolDesktop], size: int, free: int
) -> None:
    """Complete all builds that were begun, and remove all drained desktops."""
    for number in range(40):
        todo = decide_steps(desktops, size, AGE, NINE, free)
        assert todo.build <= free
        if not todo and all(one.is_warm for one in desktops):
            break
        desktops = [
            PoolDesktop(
                one.public_id, State.WARM, one.since if one.is_warm else NINE, one.is_current
            )
            for one in desktops
            if one.public_id not in todo.drain
        ]
        desktops += [
            PoolDesktop(f"new-{number}-{each}", State.BUILDING, NINE) for each in range(todo.build)
        ]
    assert not decide_steps(desktops, size, AGE, NINE, free)
    assert len(desktops) == size
    assert all(one.is_current and NINE - one.since < AGE for one in desktops)


def test_failures_in_a_row_make_the_pool_rest_longer_and_longer() -> None:
    assert cool_down_until([]) is None
    assert cool_down_until([NINE]) == NINE + timedelta(seconds=30)
    assert cool_down_until([NINE, ago(minutes=1), ago(minutes=2)]) == NINE + timedelta(minutes=2)
    assert cool_down_until([NINE] * 500) == NINE + LONGEST_COOL_DOWN
