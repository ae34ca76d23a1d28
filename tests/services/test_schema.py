"""Migrations upgrade the schema to match the models; a newer schema is refused."""

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from tests.refusals import refuses
from webapp.adapters import migration, schema
from webapp.adapters.database import SqlDatabase
from webapp.bootstrap import Services
from webapp.domain.errors import Refused
from webapp.models import Base

#: A running desktop in the schema 0003.
OLD_ROWS = """
INSERT INTO people (id, name, password_hash, role, created_at)
VALUES (1, 'alice', '', 'person', '2026-01-01');
INSERT INTO templates (id, name, title, summary, desktop_environment, vmid, version, published_at,
    is_enabled, memory_mb, swap_mb, cores, disk_gb, nesting, default_minutes, max_minutes)
VALUES (1, 'xfce', 'XFCE', '', 'xfce', 29001, '1', '2026-01-01', 1, 1024, 512, 2, 10, 0, 30, 60);
INSERT INTO desktops (id, public_id, owner_id, template_id, state, state_at, minutes,
    rdp_username, keyboard_layout, created_at, attempts, row_version)
VALUES (1, 'desktop-1', 1, 1, 'ready', '2026-01-01', 30, 'desktop', 'us', '2026-01-01', 0, 1);
INSERT INTO vmid_reservations (vmid, desktop_id) VALUES (30001, 1)
"""


def test_the_migrations_make_exactly_the_models(services: Services) -> None:
    with services.db.engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, Base.metadata) == []


def test_a_migration_file_is_named_for_its_version() -> None:
    """`schema` derives the versions from the file names, without alembic."""
    made = list(ScriptDirectory("migrations").walk_revisions())
    assert [Path(one.path).name[:4] for one in made] == [one.revision for one in made]
    assert made[0].revision == schema.head()


def test_migrating_again_changes_nothing(services: Services) -> None:
    assert migration.migrate(services.db) == schema.head()
    schema.check(services.db)


def test_what_an_older_release_wrote_is_kept(tmp_path: Path) -> None:
    db = SqlDatabase(f"sqlite:///{tmp_path / 'old.db'}")
    migration.migrate(db, "0003")
    with db.engine.begin() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys=ON")
        for statement in OLD_ROWS.split(";"):
            connection.exec_driver_sql(statement)
    migration.migrate(db)
    with db.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
        kept = "SELECT d.public_id, d.launched_at = d.created_at, p.name, v.vmid FROM desktops d "
        joined = (
            "JOIN people p ON p.id = d.owner_id JOIN vmid_reservations v ON v.desktop_id = d.id"
        )
        assert connection.exec_driver_sql(kept + joined).all() == [("desktop-1", 1, "alice", 30001)]
    db.close()


OLD_WORDS = """
INSERT INTO people (id, name, password_hash, role, created_at, disabled_at)
VALUES (1, 'alice', '', 'person', '2026-01-01', '2026-02-02');
INSERT INTO audit_entries (at, action, is_refused, reason, subject_kind, subject, detail)
VALUES ('2026-02-02', 'person.disable', {true}, 'oneself', 'person', 'alice', ''),
       ('2026-02-02', 'person.enable', {false}, NULL, 'person', 'alice', ''),
       ('2026-02-02', 'key.use', {true}, 'disabled', 'person', 'alice', '');
INSERT INTO findings (kind, desktop_id, detail, first_seen_at, seen_at)
VALUES ('asleep', 'desktop-1', '', '2026-02-02', '2026-02-02'),
       ('held', 'desktop-2', '', '2026-02-02', '2026-02-02');
INSERT INTO tallies (metric, labels, bucket, count, total)
VALUES ('winux_refusals_total', '["person.disable", "oneself"]', 0, 1, 1)
"""


def check_words_are_renamed(url: str) -> None:
    db = SqlDatabase(url)
    migration.migrate(db, "0026")
    with db.engine.begin() as connection:
        for statement in OLD_WORDS.format(true="true", false="false").split(";"):
            connection.exec_driver_sql(statement)
    migration.migrate(db)
    with db.engine.connect() as connection:
        read = connection.exec_driver_sql
        assert read("SELECT suspended_at FROM people").scalar() is not None
        assert read("SELECT action, reason FROM audit_entries ORDER BY id").all() == [
            ("person.suspend", "oneself"),
            ("person.restore", None),
            ("key.use", "suspended"),
        ]
        assert read("SELECT kind FROM findings ORDER BY id").all() == [
            ("shut_down",),
            ("reserved",),
        ]
        assert read("SELECT labels FROM tallies").scalar() == '["person.suspend", "oneself"]'
    db.close()


def test_former_words_are_renamed(tmp_path: Path) -> None:
    check_words_are_renamed(f"sqlite:///{tmp_path / 'old.db'}")


def test_a_migration_leaves_foreign_keys_on(services: Services) -> None:
    migration.migrate(services.db)
    with services.db.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_an_empty_database_is_refused_with_the_cure() -> None:
    db = SqlDatabase("sqlite:///:memory:")
    with refuses(Refused, match="winux migrate"):
        schema.check(db)
    db.close()


def test_a_newer_schema_is_refused_and_untouched(services: Services) -> None:
    with services.db.engine.connect() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    for act in (migration.migrate, schema.check):
        with refuses(Refused, match="9999 of a newer release"):
            act(services.db)
