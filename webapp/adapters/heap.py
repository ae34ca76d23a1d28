"""How this process asks the C library for memory: mallopt(3) of glibc; others do nothing."""

import ctypes
from contextlib import suppress

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
"""M_TRIM_THRESHOLD, M_MMAP_THRESHOLD and M_ARENA_MAX of malloc.h."""


def share_one_arena() -> None:
    """Let all threads allocate from one heap.

    Python's threads allocate one at a time anyway; heaps of their own only keep more that is free.
    """
    _set(_ARENA_MAX, 1)


def keep_freed_memory() -> None:
    """Keep up to 16 MB of freed memory instead of giving each large buffer back to the kernel.

    glibc otherwise returns what a burst of pictures took, and the next one has it zeroed again page
    by page: a fifth of the time of a busy gateway.
    """
    for parameter in (_TRIM_THRESHOLD, _MMAP_THRESHOLD):
        _set(parameter, 16 << 20)


def _set(parameter: int, value: int) -> None:
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(parameter, value)
