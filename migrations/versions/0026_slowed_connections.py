"""whether a connection was slowed down for the processor time that it took"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    slowed = sa.Column("was_slowed", sa.Boolean(), nullable=False, server_default=sa.false())
    op.add_column("connections", slowed)
