"""pool"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    with op.batch_alter_table("desktops", schema=None) as batch_op:
        batch_op.alter_column("owner_id", existing_type=sa.Integer(), nullable=True)
        for name in ("launched_at", "warmed_at", "failed_at"):
            batch_op.add_column(sa.Column(name, moment, nullable=True))
        batch_op.drop_index("ix_desktops_owner_created")
        batch_op.create_index("ix_desktops_owner_launched", ["owner_id", "launched_at"])
        batch_op.create_index("ix_desktops_template_state", ["template_id", "state"])
    op.execute("UPDATE desktops SET launched_at = created_at")
    op.execute("UPDATE desktops SET failed_at = stop_requested_at WHERE end_reason = 'failed'")
    with op.batch_alter_table("templates", schema=None) as batch_op:
        batch_op.add_column(sa.Column("max_per_person", sa.Integer(), nullable=True))
        for name, default in (("min", 0), ("target", 0), ("max", 0), ("max_age_minutes", 720)):
            batch_op.add_column(
                sa.Column(f"pool_{name}", sa.Integer(), nullable=False, server_default=str(default))
            )
        batch_op.add_column(
            sa.Column(
                "pool_follows_demand", sa.Boolean(), nullable=False, server_default=sa.false()
            )
        )
