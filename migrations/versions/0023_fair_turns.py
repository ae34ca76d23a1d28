"""an index that finds how many turns an owner had lately, however long their history is"""

from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.create_index("ix_desktops_owner_ended", "desktops", ["owner_id", "ended_at"])
