"""repeated refusals are one entry with a count; refusals to a webhook are summed up"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    one = sa.text("1")
    times = sa.Column("times", sa.Integer(), nullable=False, server_default=one)
    op.add_column("audit_entries", times)
    op.add_column("audit_entries", sa.Column("last_at", moment, nullable=True))
    is_summary = sa.Column("is_summary", sa.Boolean(), nullable=False, server_default=sa.false())
    op.add_column("webhook_deliveries", is_summary)
