"""what reconciliation and the doctor found"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.drop_table("quarantined_containers")
    op.create_table(
        "findings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("vmid", sa.Integer(), nullable=True),
        sa.Column("node", sa.String(length=64), nullable=True),
        sa.Column("desktop_id", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=45), nullable=True),
        sa.Column("detail", sa.String(length=300), nullable=False),
        sa.Column("first_seen_at", moment, nullable=False),
        sa.Column("seen_at", moment, nullable=False),
        sa.Column("due_at", moment, nullable=True),
        sa.Column("resolved_at", moment, nullable=True),
        sa.Column("outcome", sa.String(length=300), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_findings")),
    )
    op.create_index("ix_findings_resolved_first", "findings", ["resolved_at", "first_seen_at"])
    op.create_index(op.f("ix_findings_vmid"), "findings", ["vmid"])
    op.create_table(
        "watches",
        sa.Column("node", sa.String(length=64), nullable=False),
        sa.Column("looked_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("node", name=op.f("pk_watches")),
    )
    op.create_table(
        "checkups",
        sa.Column("host", sa.String(length=64), nullable=False),
        sa.Column("part", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("health", sa.String(length=16), nullable=False),
        sa.Column("text", sa.String(length=500), nullable=False),
        sa.Column("cure", sa.String(length=500), nullable=False),
        sa.Column("examined_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("host", "part", name=op.f("pk_checkups")),
    )
    with op.batch_alter_table("desktops", schema=None) as batch_op:
        batch_op.add_column(sa.Column("memory_mb", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("cores", sa.Integer(), nullable=True))
