"""nodes, template replicas, clone slots"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "nodes",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("seen_at", moment, nullable=False),
        sa.Column("is_online", sa.Boolean(), nullable=False),
        sa.Column("trouble", sa.String(length=300), nullable=True),
        sa.Column("answered_ms", sa.Integer(), nullable=True),
        sa.Column("memory_mb", sa.Integer(), nullable=True),
        sa.Column("free_mb", sa.Integer(), nullable=True),
        sa.Column("storage_gb", sa.Integer(), nullable=True),
        sa.Column("storage_free_gb", sa.Integer(), nullable=True),
        sa.Column("storage_is_shared", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_nodes")),
    )
    op.create_table(
        "template_replicas",
        sa.Column("vmid", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("template_id", sa.Integer(), nullable=False),
        sa.Column("node", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=32), nullable=False),
        sa.Column("published_at", moment, nullable=False),
        sa.Column("retired_at", moment, nullable=True),
        sa.Column("is_missing", sa.Boolean(), nullable=False),
        sa.Column("lock", sa.String(length=16), nullable=True),
        sa.Column("locked_at", moment, nullable=True),
        sa.ForeignKeyConstraint(
            ["template_id"],
            ["templates.id"],
            name=op.f("fk_template_replicas_template_id_templates"),
        ),
        sa.PrimaryKeyConstraint("vmid", name=op.f("pk_template_replicas")),
    )
    op.create_index(op.f("ix_template_replicas_template_id"), "template_replicas", ["template_id"])
    op.create_table(
        "clone_slots",
        sa.Column("source_vmid", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("desktop_id", sa.Integer(), nullable=False),
        sa.Column("holder", sa.String(length=80), nullable=False),
        sa.Column("storage", sa.String(length=130), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("taken_at", moment, nullable=False),
        sa.ForeignKeyConstraint(
            ["desktop_id"], ["desktops.id"], name=op.f("fk_clone_slots_desktop_id_desktops")
        ),
        sa.PrimaryKeyConstraint("source_vmid", name=op.f("pk_clone_slots")),
        sa.UniqueConstraint("storage", "number", name=op.f("uq_clone_slots_storage")),
    )
    op.create_index(op.f("ix_clone_slots_desktop_id"), "clone_slots", ["desktop_id"])
    op.create_index(op.f("ix_clone_slots_holder"), "clone_slots", ["holder"])
    with op.batch_alter_table("desktops", schema=None) as batch_op:
        batch_op.add_column(sa.Column("failure_reason", sa.String(length=16), nullable=True))
    with op.batch_alter_table("templates", schema=None) as batch_op:
        batch_op.add_column(sa.Column("memory_used_mb", sa.Integer(), nullable=True))
