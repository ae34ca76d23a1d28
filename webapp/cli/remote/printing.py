"""Prints responses of the API, for people and for programs."""

import argparse
from collections.abc import Sequence

from webapp.cli.output import show_one, show_rows
from webapp.cli.remote.client import Row


def print_rows(
    rows: Sequence[Row],
    options: argparse.Namespace,
    columns: Sequence[str] = (),
    *,
    nothing: str,
) -> None:
    """Prints rows: unchanged as JSON; for people these columns, or all with plain values."""
    if not options.json:
        rows = [
            {name: _flat(row.get(name)) for name in columns} if columns else _plain(row)
            for row in rows
        ]
    show_rows(rows, as_json=options.json, nothing=nothing)


def print_one(row: Row, options: argparse.Namespace) -> None:
    """Prints one row: unchanged as JSON; for people without nested values, such as links."""
    show_one(row if options.json else _plain(row), as_json=options.json)


def _plain(row: Row) -> Row:
    return {name: _flat(value) for name, value in row.items() if not _is_deep(value)}


def _is_deep(value: object) -> bool:
    """Whether a value is an object, or a list that contains objects or lists."""
    inner = value if isinstance(value, list) else []
    return isinstance(value, dict) or any(isinstance(one, dict | list) for one in inner)


def _flat(value: object) -> object:
    return " ".join(map(str, value)) if isinstance(value, list) else value
