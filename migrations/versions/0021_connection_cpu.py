"""how much processor time the gateway spent on a connection"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    spent = sa.Column("cpu_ms", sa.BigInteger(), nullable=False, server_default="0")
    op.add_column("connections", spent)
