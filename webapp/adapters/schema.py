"""The database's schema: this release works with exactly one version."""

from functools import cache

from sqlalchemy import Connection, inspect

from webapp.adapters.database import SqlDatabase, translated
from webapp.config import ROOT
from webapp.domain.errors import Refused


def check(db: SqlDatabase) -> None:
    """Raises Refused unless the schema is exactly this release's."""
    current = version(db)
    refuse_empty(current, db)
    if current != head():
        raise Refused("old_schema")


def version(db: SqlDatabase) -> str | None:
    """Returns the database's version, None if empty; raises Refused for a newer version."""
    with translated(), db.engine.connect() as connection:
        return refuse_newer(connection)


def head() -> str:
    """Returns the version that this release works with."""
    return _versions()[-1]


def refuse_newer(connection: Connection) -> str | None:
    """Returns the database's version, None if empty; raises Refused for an unknown version."""
    current = _current(connection)
    if current is not None and current not in _versions():
        raise Refused("newer_schema", schema=current)
    return current


def refuse_empty(current: str | None, db: SqlDatabase) -> None:
    """Raises Refused for a database without a portal: creating one may hide the real one."""
    if current is None:
        raise Refused("empty_database", place=db.place)


def _current(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    version = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return None if version is None else str(version)


@cache
def _versions() -> list[str]:
    """Returns the versions of all migrations in order: each file's name begins with its version."""
    return sorted(path.name[:4] for path in (ROOT / "migrations/versions").glob("[0-9]*.py"))
