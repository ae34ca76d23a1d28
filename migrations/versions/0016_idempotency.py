"""Requests that may come twice, and cleaning up on demand"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0014"


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "repeats",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("request_mark", sa.String(length=64), nullable=False),
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("taken_at", moment, nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("reference", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_repeats_person_id_people")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_repeats")),
        sa.UniqueConstraint("person_id", "key_hash", name=op.f("uq_repeats_person_id")),
    )
    op.create_index(op.f("ix_repeats_created_at"), "repeats", ["created_at"])
    op.create_table(
        "cleanups",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("asked_at", moment, nullable=False),
        sa.Column("taken_at", moment, nullable=True),
        sa.Column("finished_at", moment, nullable=True),
        sa.Column("first_entry", sa.Integer(), nullable=True),
        sa.Column("last_entry", sa.Integer(), nullable=True),
        sa.Column("trouble", sa.String(length=500), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_cleanups_person_id_people")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cleanups")),
        sa.UniqueConstraint("public_id", name=op.f("uq_cleanups_public_id")),
    )
    op.create_index(op.f("ix_cleanups_finished_at"), "cleanups", ["finished_at"])
