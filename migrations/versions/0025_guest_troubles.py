"""desktops that answer nonsense or nothing are marked, and asked less often"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    failures = sa.Column("guest_failures", sa.Integer(), nullable=False, server_default="0")
    op.add_column("desktops", failures)
    op.add_column("desktops", sa.Column("guest_trouble", sa.String(length=200), nullable=True))
    again = sa.Column("ask_again_at", sa.DateTime(timezone=True), nullable=True)
    op.add_column("desktops", again)
