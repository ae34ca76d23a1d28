"""The files of the project: those that git has or would add."""

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@cache
def project_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return sorted({ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()})


def texts(*suffixes: str) -> list[tuple[Path, str]]:
    """Yield path (relative to the checkout) and content of text files with these suffixes, or of
    all."""
    found = []
    for file in project_files():
        if suffixes and file.suffix not in suffixes:
            continue
        try:
            found.append((file.relative_to(ROOT), file.read_text()))
        except UnicodeDecodeError:
            continue
    return found


def text_of(pattern: str) -> str:
    """Return the joined content of the files that match a glob, such as `docs/**/*.md`."""
    return "\n".join(file.read_text() for file in sorted(ROOT.glob(pattern)))
