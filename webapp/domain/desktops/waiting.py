"""How long a build waits for its turn: a simulation of the queue with measured times.

Two resources are limited: the workers' slots, each taken for a whole build, and the sources, each
taken only for the clone (a template has as many sources as replicas).
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
    """Includes the clone."""


def wait_until_ready(
    queue: Sequence[Build], slots: Sequence[timedelta], sources: Mapping[int, int]
) -> timedelta | None:
    """Returns when the last build of `queue` is ready; the others are built before it.

    `slots` are the times until each worker slot is free; `sources` is the number of sources of each
    template (1 if it is missing). Returns None without a slot or a queue.
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
