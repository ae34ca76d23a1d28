"""Where to go after signing in: a path of this site, never anywhere else."""

import re

#: One slash and then something a browser cannot take for another host: `//evil` and `/\evil` are.
_OWN_PATH = re.compile(r"/(?![/\\])[\x21-\x7e]*")
LONGEST = 500


def safe_path(wanted: str | None, default: str) -> str:
    """`wanted` if it is a plain path of this site, else `default`."""
    if not wanted or len(wanted) > LONGEST or "\\" in wanted:
        return default
    return wanted if _OWN_PATH.fullmatch(wanted) else default
