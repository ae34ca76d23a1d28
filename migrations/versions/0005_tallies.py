"""history added up for metrics, and the reasons of refusals"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

MOMENTS = ("launched", "build_started", "ready", "failed", "ended")


def upgrade() -> None:
    tallies = (
        sa.Column("metric", sa.String(length=64), nullable=False),
        sa.Column("labels", sa.String(length=240), nullable=False),
        sa.Column("bucket", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("metric", "labels", "bucket", name=op.f("pk_tallies")),
    )
    op.create_table("tallies", *tallies)
    op.create_table(
        "tally_marks",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tally_marks")),
    )
    # before all history; the worker adds it up from there
    op.execute("INSERT INTO tally_marks (id, until) VALUES (1, '2000-01-01 00:00:00.000000')")
    with op.batch_alter_table("audit_entries", schema=None) as batch_op:
        batch_op.add_column(sa.Column("reason", sa.String(length=32), nullable=True))
    for moment in MOMENTS:
        op.create_index(f"ix_desktops_{moment}", "desktops", [f"{moment}_at"])
    op.create_index("ix_desktop_steps_finished_at", "desktop_steps", ["finished_at"])
    op.create_index("ix_connections_started", "connections", ["started_at"])
