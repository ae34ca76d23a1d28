"""What no file may contain: machine paths, registry hosts, suppressions without a reason."""

import re
from collections.abc import Iterable

from tests.rules.files import texts

#: The machine configures the package sources, so no file may name such a host.
HOSTS = re.compile(
    r"https?://(deb|security|ftp|files|registry|mirror|packages|index|snapshot|pypi|proxy)"
    r"[a-z0-9.-]*\.[a-z]{2,}",
    re.IGNORECASE,
)
MACHINE_PATHS = re.compile(r"(?<![\w.])/(work|farm|home/\w+|root/\.\w+|opt/(pypi|wheels))\b")
#: A suppression has its reason on the same line, or on the line above.
EXCUSES = re.compile(
    r"(#\s*type:\s*ignore|#\s*noqa|except Exception|shellcheck disable=|nosemgrep)"
)
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|NotImplementedError")
SECRETS = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\n[A-Za-z0-9+/=\n]{40,}")


def findings(pattern: re.Pattern[str], files: Iterable[tuple[object, str]]) -> list[str]:
    return [
        f"{path}:{number}: {line.strip()[:100]}"
        for path, text in files
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def sources() -> list[tuple[object, str]]:
    """Yield all files except this one, which must contain the forbidden texts."""
    return [(path, text) for path, text in texts() if path.name != "test_sources.py"]


def test_no_registry_host_is_named() -> None:
    assert findings(HOSTS, sources()) == []


def test_no_path_of_somebodys_machine_is_named() -> None:
    assert findings(MACHINE_PATHS, sources()) == []


def test_nothing_is_left_for_later() -> None:
    assert findings(UNFINISHED, sources()) == []


def test_no_private_key_is_stored() -> None:
    assert [path for path, text in sources() if SECRETS.search(text)] == []


def test_every_excuse_has_a_reason() -> None:
    bare = []
    for path, text in sources():
        lines = text.splitlines()
        for number, line in enumerate(lines):
            if (found := EXCUSES.search(line)) is None:
                continue
            after = re.sub(r"^[\w\[\],: -]*", "", line[found.end() :])
            above = lines[number - 1].strip() if number else ""
            if not after.strip("# ():") and not above.startswith(("#", '"""')):
                bare.append(f"{path}:{number + 1}: {line.strip()[:100]}")
    assert bare == []


def test_no_exception_is_swallowed_without_a_word() -> None:
    swallowed = re.compile(r"except[^\n:]*:\n\s+pass\b(?!\s*#)")
    assert [str(path) for path, text in sources() if swallowed.search(text)] == []
