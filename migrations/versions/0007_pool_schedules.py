"""pool schedules"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    with op.batch_alter_table("desktops", schema=None) as batch_op:
        batch_op.create_index("ix_desktops_template_launched", ["template_id", "launched_at"])
    with op.batch_alter_table("templates", schema=None) as batch_op:
        batch_op.add_column(sa.Column("changed_at", moment, nullable=True))
    op.create_table(
        "pool_schedules",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("template_id", sa.Integer(), nullable=False),
        sa.Column("desktops", sa.Integer(), nullable=False),
        sa.Column("in_all", sa.Boolean(), nullable=False),
        sa.Column("weekdays", sa.String(length=32), nullable=False),
        sa.Column("on_date", sa.Date(), nullable=True),
        sa.Column("begins", sa.Time(), nullable=False),
        sa.Column("ends", sa.Time(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.ForeignKeyConstraint(
            ["template_id"],
            ["templates.id"],
            name=op.f("fk_pool_schedules_template_id_templates"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pool_schedules")),
    )
    with op.batch_alter_table("pool_schedules", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_pool_schedules_template_id"), ["template_id"], unique=False
        )
