"""longer names of keyboard layouts"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    for table in ("desktops", "tickets"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.alter_column(
                "keyboard_layout",
                existing_type=sa.String(length=8),
                type_=sa.String(length=16),
                existing_nullable=False,
            )
