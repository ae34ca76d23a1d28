"""Recognises worker processes of this machine that have ended."""

import os
import platform


def is_dead(name: str) -> bool:
    """Whether the named worker process ran on this machine and has ended."""
    host, _, rest = name.rpartition(":")[0].rpartition(":")
    if host != platform.node()[:40] or not rest.isdigit():
        return False
    try:
        os.kill(int(rest), 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # the number is another user's process now
        return False
    return False
