"""State that survives `kill -9`: tables of JSON documents, kept in memory and written to SQLite."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Document = dict[str, Any]


class Store:
    """One SQLite file; writes are durable when `Table.put` returns (the process may be killed).

    Raises OSError where the file cannot be used: a full disk, or something else in its place.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        path.touch(0o600)  # it holds the key that tickets are signed with
        self._path = path
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self.execute("PRAGMA journal_mode = WAL")
        self.execute("PRAGMA synchronous = NORMAL")
        self.execute(
            "CREATE TABLE IF NOT EXISTS document"
            " (kind TEXT, key TEXT, value TEXT, PRIMARY KEY (kind, key)) WITHOUT ROWID"
        )

    def table(self, kind: str) -> Table:
        """Return the table of one kind, in the order of its keys."""
        return Table(self, kind)

    def load(self, kind: str) -> dict[str, Document]:
        """Read all documents of a kind."""
        rows = self.execute("SELECT key, value FROM document WHERE kind = ? ORDER BY key", kind)
        return {key: json.loads(value) for key, value in rows}

    def execute(self, sql: str, *values: str) -> list[tuple[str, ...]]:
        """Run one statement."""
        try:
            with self._lock:
                return self._db.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise OSError(f"cannot use {self._path}: {error}") from error


class Table:
    """Documents by key. Do not change a returned document: put a new one."""

    def __init__(self, store: Store, kind: str) -> None:
        self._store, self._kind = store, kind
        self._documents = store.load(kind)

    def __contains__(self, key: object) -> bool:
        return str(key) in self._documents

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._documents))

    def get(self, key: object) -> Document | None:
        """Return the document, or None."""
        return self._documents.get(str(key))

    def items(self) -> list[tuple[str, Document]]:
        """Return a copy of all keys and documents."""
        return list(self._documents.items())

    def put(self, key: object, document: Document) -> None:
        """Add or replace one document."""
        sql = "INSERT OR REPLACE INTO document VALUES (?, ?, ?)"
        self._store.execute(sql, self._kind, str(key), json.dumps(document))
        self._documents[str(key)] = document

    def delete(self, key: object) -> None:
        """Delete one document if it exists."""
        sql = "DELETE FROM document WHERE kind = ? AND key = ?"
        self._store.execute(sql, self._kind, str(key))
        self._documents.pop(str(key), None)
