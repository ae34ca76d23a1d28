"""How long until it is somebody's turn: the queue played through with measured times.

Two things are scarce: the workers' slots, each taken for a whole build, and the sources, each
taken for the clone alone (of one template there are as many as it has replicas).
"""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

NOTHING = timedelta(0)


@dataclass(frozen=True)
class Build:
    """A build in the queue, with its template's measured times."""

    template_id: int
    clone: timedelta
    whole: timedelta
    """With the clone."""


def wait_until_ready(
    queue: Sequence[Build], slots: Sequence[timedelta], sources: Mapping[int, int]
) -> timedelta | None:
    """When the last of `queue` is ready, the others being built before it.

    `slots` says in how long each worker slot is free, `sources` how many each template has (one
    where nothing is said). None without a slot or a queue.
    """
    if not (slots and queue):
        return None
    free_slots = list(slots)
    heapq.heapify(free_slots)
    free_sources = {
        build.template_id: [NOTHING] * max(1, sources.get(build.template_id, 1)) for build in queue
    }
    ready = NOTHING
    for build in queue:
        of_template = free_sources[build.template_id]
        begin = max(heapq.heappop(free_slots), heapq.heappop(of_template))
        heapq.heappush(of_template, begin + build.clone)
        ready = begin + build.whole
        heapq.heappush(free_slots, ready)
    return ready
