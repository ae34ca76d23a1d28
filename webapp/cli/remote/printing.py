"""Prints responses of the API, for people and for programs."""

import argparse
from collections.abc import Sequence
from typing import Any

from webapp.cli.fields import Fields, only, row_there
from webapp.cli.output import show_one, show_rows
from webapp.cli.remote.client import Row


def print_rows(
    rows: Sequence[Row],
    options: argparse.Namespace,
    columns: Sequence[str] = (),
    *,
    fields: Fields[Any] = (),
    nothing: str,
) -> None:
    """Prints rows: whole as JSON; for people these columns, or all without nested values."""
    rows = [row_there(fields, row) for row in rows]
    if not options.json:
        rows = [only(row, columns) if columns else _plain(row) for row in rows]
    show_rows(rows, as_json=options.json, nothing=nothing)


def print_one(row: Row, options: argparse.Namespace, fields: Fields[Any] = ()) -> None:
    """Prints one row: whole as JSON; for people without nested values, such as links."""
    row = row_there(fields, row)
    show_one(row if options.json else _plain(row), as_json=options.json)


def _plain(row: Row) -> Row:
    return {name: value for name, value in row.items() if not _is_deep(value)}


def _is_deep(value: object) -> bool:
    """Whether a value is an object, or a list that contains objects or lists."""
    inner = value if isinstance(value, list) else []
    return isinstance(value, dict) or any(isinstance(one, dict | list) for one in inner)
