"""What commands print: tables for people, JSON for programs."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

Row = Mapping[str, object]


def say(text: str) -> None:
    """Prints a line for people."""
    sys.stdout.write(f"{text}\n")


def complain(text: str) -> None:
    """Prints an error."""
    sys.stderr.write(f"winux: {text}\n")


def show_rows(rows: Sequence[Row], *, as_json: bool, nothing: str) -> None:
    """Prints a list; for people, an empty list prints `nothing`."""
    if as_json:
        say(json.dumps(rows, indent=2, default=_plain))
    elif not rows:
        say(nothing)
    else:
        for line in _table(rows):
            say(line)


def show_one(row: Row, *, as_json: bool) -> None:
    """Prints all fields of one thing."""
    if as_json:
        say(json.dumps(row, indent=2, default=_plain))
        return
    width = max(map(len, row))
    for name, value in row.items():
        say(f"{_words(name):<{width}}  {_text(value)}")


def _table(rows: Sequence[Row]) -> list[str]:
    names = list(rows[0])
    cells = [[_words(name).upper() for name in names]]
    cells += [[_text(row[name]) for name in names] for row in rows]
    widths = [max(len(line[column]) for line in cells) for column in range(len(names))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]


def _words(name: str) -> str:
    return name.removeprefix("is_").replace("_", " ")


def _text(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " ".join(map(str, value))
    if isinstance(value, datetime):
        return f"{value.astimezone():%Y-%m-%d %H:%M:%S}"
    # Terminals interpret control characters, which text of people or playbooks may contain.
    return "".join(one if one.isprintable() or one == "\n" else "�" for one in str(value))


def _plain(value: object) -> str:
    """Formats a time as the API does."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value)
