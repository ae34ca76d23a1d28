"""Timeouts and polling intervals."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

_jitter = random.SystemRandom()


def moments(
    limit_s: float, first_s: float = 0.1, longest_s: float = 1.0, growth: float = 0.5
) -> Iterator[float]:
    """Sleep between polls, longer each time, with jitter: many runs wait for the same lock.

    Each sleep is longer than the previous one by the fraction `growth`. Yields the seconds
    waited so far, first 0.0 without sleeping.
    """
    started = time.monotonic()
    pause = first_s
    yield 0.0
    while (waited := time.monotonic() - started) < limit_s:
        time.sleep(min(pause * _jitter.uniform(0.8, 1.2), max(0.01, limit_s - waited)))
        pause = min(pause * (1 + growth), longest_s)
        yield time.monotonic() - started
