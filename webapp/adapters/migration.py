"""Migrates the database's schema. Only this module imports Alembic: it takes nine megabytes,
which a web, worker or gateway process that only checks the schema must not use."""

import os
from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig
from sqlalchemy import Connection

from webapp.adapters import schema
from webapp.adapters.database import SqlDatabase, translated
from webapp.config import ROOT
from webapp.domain.errors import OutsideFailed, Refused

#: Alembic's name for the newest version.
HEAD = "head"


def create(db: SqlDatabase) -> str:
    """Creates a new portal's database with this release's schema; returns the schema's version.

    Raises Refused if the database already contains a portal.
    """
    if db.file is None or db.file.exists():
        current = schema.version(db)
        if current is not None:
            raise Refused("existing_database", place=db.place, schema=current)
    return migrate(db)


def upgrade(db: SqlDatabase) -> str:
    """Migrates a portal's database to this release's schema; returns that version.

    Raises Refused or OutsideFailed if there is no portal: an empty one would hide the real one.
    """
    schema.refuse_empty(schema.version(db), db)
    return migrate(db)


def migrate(db: SqlDatabase, target: str = HEAD) -> str:
    """Migrates any database to this release's version, or to an older `target`.

    Raises Refused if a newer release has already migrated it.
    """
    if db.file is not None:
        _make_file(db.file)
    with translated(), db.engine.connect() as connection:
        if db.engine.dialect.name == "sqlite":
            _begin_sqlite(connection)
        schema.refuse_newer(connection)
        alembic = AlembicConfig(ROOT / "alembic.ini")
        alembic.attributes["connection"] = connection
        command.upgrade(alembic, target)
        if db.engine.dialect.name == "sqlite":
            _check_sqlite(connection)
        connection.commit()
        connection.invalidate()  # its pragmas are those of a migration
    return target if target != HEAD else schema.head()


def _make_file(file: Path) -> None:
    """Creates an empty file, readable by its owner only, unless it exists."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(file, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise OutsideFailed(
            f"The database {file} cannot be made: {error.strerror}.",
            retry=False,
            what_to_do=f"Let this account write to the folder {file.parent}.",
        ) from error


def _begin_sqlite(connection: Connection) -> None:
    """Runs the migration in one transaction: an interrupted or concurrent one changes nothing.

    SQLite changes a table by creating it anew and dropping the old one, which foreign keys to its
    rows forbid. They can be switched off only before the transaction.
    """
    connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _check_sqlite(connection: Connection) -> None:
    """Raises OutsideFailed, before the commit, if a foreign key now has no target."""
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken:
        raise OutsideFailed(
            f"After the migration a row of {broken[0]} would point to a missing one of "
            f"{broken[2]}; nothing was changed.",
            retry=False,
            what_to_do="Restore a backup, and tell the makers what the message says.",
        )
