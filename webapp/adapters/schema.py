"""The database's schema: migrate it forward, and refuse to run on a foreign version of it."""

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from webapp.adapters.database import SqlDatabase, translated
from webapp.config import ROOT
from webapp.domain.errors import OutsideFailed, Refused

#: Alembic's name for the newest version.
HEAD = "head"


def migrate(db: SqlDatabase, target: str = HEAD) -> str:
    """Bring the schema to this release's version, or an older `target`; returns that version.

    Raises Refused when a newer release has already been there.
    """
    with translated(), db.engine.connect() as connection:
        if db.engine.dialect.name == "sqlite":
            _begin_sqlite(connection)
        _refuse_newer(connection)
        alembic = _alembic()
        alembic.attributes["connection"] = connection
        command.upgrade(alembic, target)
        if db.engine.dialect.name == "sqlite":
            _check_sqlite(connection)
        connection.commit()
        connection.invalidate()  # its pragmas are a migration's
    return target if target != HEAD else head()


def check(db: SqlDatabase) -> None:
    """Raise Refused unless the schema is exactly this release's."""
    with translated(), db.engine.connect() as connection:
        _refuse_newer(connection)
        if _current(connection) != head():
            raise Refused(
                "old_schema",
                "The database's schema is older than this release.",
                what_to_do="Run ./winux migrate.",
            )


def head() -> str:
    """The version that this release works with."""
    return _script().get_current_head() or ""


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


def _refuse_newer(connection: Connection) -> None:
    current = _current(connection)
    known = {revision.revision for revision in _script().walk_revisions()}
    if current is not None and current not in known:
        raise Refused(
            "newer_schema",
            f"The database has the schema {current} of a newer release.",
            what_to_do="Start that release, or restore a backup made before the upgrade.",
        )


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _script() -> ScriptDirectory:
    return ScriptDirectory.from_config(_alembic())


def _alembic() -> AlembicConfig:
    return AlembicConfig(ROOT / "alembic.ini")
