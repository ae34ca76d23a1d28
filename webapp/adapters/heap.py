"""Tunes the C library's allocator: mallopt(3) of glibc; without glibc nothing changes."""

import ctypes
from contextlib import suppress

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
"""M_TRIM_THRESHOLD, M_MMAP_THRESHOLD and M_ARENA_MAX of malloc.h."""


def share_one_arena() -> None:
    """Lets all threads allocate from one heap.

    Python's threads allocate one at a time anyway, so separate heaps only keep more free memory.
    """
    _set(_ARENA_MAX, 1)


def keep_freed_memory() -> None:
    """Keeps up to 16 MB of freed memory instead of returning each large buffer to the kernel.

    Otherwise glibc returns a burst of pictures' memory, and the kernel zeroes it again page by page
    for the next burst: a fifth of the time of a busy gateway.
    """
    for parameter in (_TRIM_THRESHOLD, _MMAP_THRESHOLD):
        _set(parameter, 16 << 20)


def _set(parameter: int, value: int) -> None:
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(parameter, value)
