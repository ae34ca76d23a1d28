"""indexes for sites with thousands of desktops"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_index("ix_desktops_template_ready", "desktops", ["template_id", "ready_at"])
    op.create_index(
        "ix_desktops_troubled",
        "desktops",
        ["created_at"],
        sqlite_where=sa.text("failure IS NOT NULL"),
        postgresql_where=sa.text("failure IS NOT NULL"),
    )
    op.create_index(
        "ix_audit_entries_refused",
        "audit_entries",
        ["at"],
        sqlite_where=sa.text("is_refused IS 1"),
        postgresql_where=sa.text("is_refused IS true"),
    )
