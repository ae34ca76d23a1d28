"""Migrates the database's schema forward. Alembic is imported here and nowhere else: it takes nine
megabytes, which a web, worker or gateway process that only checks the schema must not pay."""

from alembic import command
from alembic.config import Config as AlembicConfig
from sqlalchemy import Connection

from webapp.adapters import schema
from webapp.adapters.database import SqlDatabase, translated
from webapp.config import ROOT
from webapp.domain.errors import OutsideFailed

#: Alembic's name for the newest version.
HEAD = "head"


def migrate(db: SqlDatabase, target: str = HEAD) -> str:
    """Bring the schema to this release's version, or an older `target`; returns that version.

    Raises Refused when a newer release has already been there.
    """
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
        connection.invalidate()  # its pragmas are a migration's
    return target if target != HEAD else schema.head()


def _begin_sqlite(connection: Connection) -> None:
    """One transaction for all of it: an interrupted or doubled migration changes nothing.

    SQLite changes a table by making it anew and dropping the old one, which foreign keys to its
    rows forbid; they can be switched off only before the transaction.
    """
    connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _check_sqlite(connection: Connection) -> None:
    """Raise OutsideFailed, before anything is committed, if a row now points nowhere."""
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken:
        raise OutsideFailed(
            f"After the migration a row of {broken[0]} would point to a missing one of "
            f"{broken[2]}; nothing was changed.",
            retry=False,
            what_to_do="Restore a backup, and tell the makers what the message says.",
        )
