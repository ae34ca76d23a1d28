"""SQLite (WAL) or PostgreSQL: short transactions, and driver errors translated."""

import os
import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.orm.exc import StaleDataError

from webapp.domain.errors import Conflict, OutsideFailed

#: How long a write waits for another write, in seconds.
BUSY_SECONDS = 10
#: The page cache of each SQLite connection; the kernel caches the file for all of them.
CACHE_KB = 512
#: The permission bits of group and others in a file's mode.
OTHERS = stat.S_IRWXG | stat.S_IRWXO
#: With less free space, in bytes, a write or a checkpoint of the log may fail at any moment.
ALMOST_FULL = 1 << 20
#: How long one lock attempt waits before the next begins, in seconds: see `_begin_to_write`.
ONE_WAIT_SECONDS = 0.03


class SqlDatabase:
    """Implements `ports.Database` on an SQLAlchemy engine."""

    def __init__(self, url: str) -> None:
        self.place = place_of(url)
        self.file = file_of(url)
        self.engine = _engine(url)
        if self.file is not None:
            close_to_others(self.file)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)

    @contextmanager
    def begin(self) -> Iterator[Session]:
        with translated(self.file), self._sessions.begin() as session:
            if self.engine.dialect.name == "sqlite":
                _begin_to_write(session.connection())
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        with translated(self.file), self._sessions() as session:
            yield session

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        with translated(self.file), self._sessions() as session:
            if self.engine.dialect.name == "sqlite":
                session.connection().exec_driver_sql("BEGIN")
            else:
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield session

    def trouble(self) -> str:
        """Returns why writes fail or will fail soon; empty without a known cause."""
        if self.file is None or not self.file.exists() or free_bytes(self.file) >= ALMOST_FULL:
            return ""
        return f"{full(self.file)} {free_some(self.file)}"

    def close(self) -> None:
        self.engine.dispose()


def is_full(error: BaseException | None) -> bool:
    """Whether SQLite reported a full disk."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL


def free_bytes(file: Path) -> int:
    """Returns how many bytes this account may write to the file's disk.

    Returns ALMOST_FULL, which counts as enough, if the folder cannot be read.
    """
    try:
        disk = os.statvfs(file.parent)
    except OSError:
        return ALMOST_FULL
    return 0 if disk.f_files and not disk.f_favail else disk.f_bavail * disk.f_frsize


def full(file: Path) -> str:
    """Returns the error text, which names the database's file."""
    return f"The disk of the database {file} is full."


def free_some(file: Path) -> str:
    """Returns the cure."""
    return f"Free some space there (df -h {file.parent}); all goes on by itself then."


@contextmanager
def translated(file: Path | None = None) -> Iterator[None]:
    """Translates database errors into WinuxErrors; IntegrityError is left to callers."""
    try:
        yield
    except StaleDataError as error:
        raise Conflict("row") from error
    except IntegrityError:
        raise
    except OperationalError as error:
        if file is not None and (is_full(error.orig) or free_bytes(file) < ALMOST_FULL):
            raise OutsideFailed(
                full(file), retry=True, what_to_do=f"Nothing was changed. {free_some(file)}"
            ) from error
        raise OutsideFailed(
            f"The database did not answer: {error.orig}.",
            retry=True,
            what_to_do="Nothing was changed. Try again in a moment; if it stays, an administrator "
            "should look at the database and its disk.",
        ) from error
    except DBAPIError as error:
        raise OutsideFailed(f"The database failed: {error.orig}.", retry=False) from error


def _engine(url: str) -> Engine:
    if make_url(url).get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})
    if file := file_of(url):

        @event.listens_for(engine, "do_connect")
        def look_for_file(*_arguments: Any) -> None:
            """Refuse a missing file: SQLite would create an empty database on an unmounted path."""
            if not file.exists():
                raise OutsideFailed(
                    f"There is no database at {file}.",
                    retry=True,
                    what_to_do="If it lies on a disk of its own, mount that; if it was lost, "
                    "restore a backup. Only for a new portal: ./winux migrate --new",
                )

    event.listen(engine, "connect", _prepare_sqlite)
    return engine


def close_to_others(file: Path) -> None:
    """Remove other accounts' rights to SQLite's files; earlier releases let all read them."""
    for path in files_of(file):
        with suppress(OSError):  # missing, or another account's: the doctor reports it
            if path.stat().st_mode & OTHERS:
                path.chmod(0o600)


def files_of(file: Path) -> list[Path]:
    """Returns SQLite's files: the database, its write-ahead log, the log's index."""
    return [file, *(file.with_name(f"{file.name}{end}") for end in ("-wal", "-shm"))]


def file_of(url: str) -> Path | None:
    """Returns SQLite's file; None for a database in memory or on a server."""
    parts = make_url(url)
    name = parts.database or ""
    is_file = parts.get_backend_name() == "sqlite" and name not in {"", ":memory:"}
    return Path(name) if is_file else None


def place_of(url: str) -> str:
    """Returns the database's location for messages."""
    return str(file_of(url) or make_url(url).render_as_string(hide_password=True))


def _begin_to_write(connection: Connection) -> None:
    """Begins a write transaction before the first statement.

    A read transaction that becomes a write fails at once with "database is locked", regardless of
    the busy timeout. SQLite's own wait sleeps for increasing intervals while later writers get the
    lock, so with many writers some would starve. Many short waits serve all of them soon.
    """
    driver: Any = connection.connection.dbapi_connection  # its errors cost a tenth of SQLAlchemy's
    give_up = time.monotonic() + BUSY_SECONDS - ONE_WAIT_SECONDS
    _set_busy_time(driver, ONE_WAIT_SECONDS)
    try:
        while time.monotonic() < give_up:
            try:
                driver.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:  # the primary code
                    break
            else:
                return
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        _set_busy_time(driver, BUSY_SECONDS)


def _set_busy_time(driver: sqlite3.Connection, seconds: float) -> None:
    driver.execute(f"PRAGMA busy_timeout={seconds * 1000:.0f}")


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # The driver's own BEGIN comes too late and takes no write lock; `begin()` above issues it.
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        f"cache_size=-{CACHE_KB}",
    ):
        connection.execute(f"PRAGMA {pragma}")
    _set_busy_time(connection, BUSY_SECONDS)
