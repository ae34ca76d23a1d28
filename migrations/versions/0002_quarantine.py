"""quarantine of containers that no desktop accounts for"""

import sqlalchemy as sa
from alembic import op

from webapp.models.base import UtcDateTime

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "quarantined_containers",
        sa.Column("vmid", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("desktop_id", sa.String(length=32), nullable=False),
        sa.Column("first_seen_at", UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("vmid", name=op.f("pk_quarantined_containers")),
    )
