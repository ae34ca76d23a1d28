"""The schema goes forward, matches the models, and a newer one is refused."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from webapp.adapters import schema
from webapp.adapters.database import SqlDatabase
from webapp.bootstrap import Services
from webapp.domain.errors import Refused
from webapp.models import Base


def test_the_migrations_make_exactly_the_models(services: Services) -> None:
    with services.db.engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, Base.metadata) == []


def test_migrating_again_changes_nothing(services: Services) -> None:
    assert schema.migrate(services.db) == schema.head()
    schema.check(services.db)


def test_an_empty_database_is_refused_with_the_cure() -> None:
    db = SqlDatabase("sqlite:///:memory:")
    with pytest.raises(Refused, match="winux migrate"):
        schema.check(db)
    db.close()


def test_a_newer_schema_is_refused_and_untouched(services: Services) -> None:
    with services.db.engine.connect() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    for act in (schema.migrate, schema.check):
        with pytest.raises(Refused, match="9999 of a newer release"):
            act(services.db)
