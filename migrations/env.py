"""Runs the migrations on the connection that `webapp.adapters.migration` hands over."""

from alembic import context

from webapp.models import Base


def run() -> None:
    connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run()
