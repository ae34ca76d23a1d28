"""what desktops tell of their input"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    with op.batch_alter_table("desktops", schema=None) as batch_op:
        batch_op.add_column(sa.Column("input_at", moment, nullable=True))
        batch_op.add_column(sa.Column("input_asked_at", moment, nullable=True))
