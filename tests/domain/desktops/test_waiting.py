"""The waiting time of a person in the queue: properties, and examples to recalculate."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from webapp.domain.desktops.waiting import Build, wait_until_ready

SECOND = timedelta(seconds=1)
XFCE = Build(1, clone=2 * SECOND, whole=8 * SECOND)
FREE = [timedelta(0)]


def test_the_next_one_waits_for_its_own_build_alone() -> None:
    assert wait_until_ready([XFCE], FREE * 2, {}) == 8 * SECOND


def test_with_one_slot_builds_follow_each_other() -> None:
    assert wait_until_ready([XFCE] * 3, FREE, {}) == 24 * SECOND


def test_with_many_slots_the_clones_still_take_turns() -> None:
    assert wait_until_ready([XFCE] * 3, FREE * 9, {}) == (2 * 2 + 8) * SECOND
    assert wait_until_ready([XFCE] * 3, FREE * 9, {1: 3}) == 8 * SECOND


def test_nothing_is_said_without_a_worker() -> None:
    assert wait_until_ready([XFCE], [], {}) is None


builds = st.lists(
    st.builds(
        Build,
        template_id=st.integers(1, 3),
        clone=st.integers(0, 5).map(lambda n: n * SECOND),
        whole=st.integers(5, 30).map(lambda n: n * SECOND),
    ),
    min_size=1,
    max_size=20,
)
slots = st.lists(st.integers(0, 20).map(lambda n: n * SECOND), min_size=1, max_size=6)


@given(builds, slots, st.integers(1, 4))
def test_it_is_never_less_than_the_work_and_never_more_than_all_of_it_in_a_row(
    queue: list[Build], free: list[timedelta], replicas: int
) -> None:
    ready = wait_until_ready(queue, free, dict.fromkeys((1, 2, 3), replicas))
    assert ready is not None
    assert ready >= queue[-1].whole + min(free)
    assert ready <= sum((one.whole for one in queue), max(free))


@given(builds, slots)
def test_more_slots_and_more_replicas_never_make_it_later(
    queue: list[Build], free: list[timedelta]
) -> None:
    alike = [Build(1, SECOND, 8 * SECOND) for _ in queue]
    few = wait_until_ready(alike, free, {1: 1})
    assert few is not None
    assert (wait_until_ready(alike, [*free, timedelta(0)], {1: 1}) or few) <= few
    assert (wait_until_ready(alike, free, {1: 2}) or few) <= few
