"""The database's schema: migrate it forward, and refuse to run on a foreign version of it."""

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from webapp.adapters.database import SqlDatabase, translated
from webapp.config import ROOT
from webapp.domain.errors import Refused


def migrate(db: SqlDatabase) -> str:
    """Bring the schema to this release's version; returns that version.

    Raises Refused when a newer release has already been there.
    """
    with translated(), db.engine.connect() as connection:
        if db.engine.dialect.name == "sqlite":
            # One transaction for all of it: an interrupted or doubled migration changes nothing.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        _refuse_newer(connection)
        alembic = _alembic()
        alembic.attributes["connection"] = connection
        command.upgrade(alembic, "head")
        connection.commit()
    return head()


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
