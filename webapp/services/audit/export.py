"""Audit entries as CSV and JSON, generated while they are sent."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, fields
from datetime import datetime

from webapp.services.audit.log import AuditLine
from webapp.texts.sentences import stored_message

#: Not a column: the sentence made of it is, as `detail`.
NO_COLUMN = "refusal"
COLUMNS = [field.name for field in fields(AuditLine) if field.name != NO_COLUMN]
#: A spreadsheet treats a cell that begins with one of these as a formula. The value may come from
#: an untrusted form.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def to_csv(lines: Iterable[AuditLine]) -> Iterator[str]:
    """A header and a row for each entry (RFC 4180). `'` is put before what looks like a formula."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    for line in lines:
        writer.writerow([_cell(value) for value in to_values(line).values()])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def to_json(lines: Iterable[AuditLine]) -> Iterator[str]:
    """One array of objects, one object per line. Times are ISO 8601 in UTC."""
    before = "[\n"
    for line in lines:
        yield before + json.dumps(to_values(line), ensure_ascii=False)
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def to_values(line: AuditLine) -> dict[str, object]:
    """An entry as values for JSON and CSV, with an English `detail`."""
    values = {
        **asdict(line),
        "at": _moment(line.at),
        "last_at": line.last_at and _moment(line.last_at),
        "detail": english_detail(line),
    }
    del values[NO_COLUMN]
    return values


def english_detail(line: AuditLine) -> str:
    """What happened, in English: the text of an entry, or the sentence of a refusal."""
    return stored_message(line.refusal) if line.refusal else line.detail


def _moment(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


#: The generator and the media type of each format.
KINDS: dict[str, tuple[Callable[[Iterable[AuditLine]], Iterator[str]], str]] = {
    "csv": (to_csv, "text/csv; charset=utf-8"),
    "json": (to_json, "application/json"),
}


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA) else text
