"""The page to open after signing in: only a path of this site."""

import re

#: Browsers read `//evil` and `/\evil` as another host, so no second slash or backslash may follow.
_OWN_PATH = re.compile(r"/(?![/\\])[\x21-\x7e]*")
LONGEST = 500


def safe_path(wanted: str | None, default: str) -> str:
    """Return `wanted` if it is a plain path of this site, else `default`."""
    if not wanted or len(wanted) > LONGEST or "\\" in wanted:
        return default
    return wanted if _OWN_PATH.fullmatch(wanted) else default
