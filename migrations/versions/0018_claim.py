"""an index that finds the warm desktop to give away next at once, however long the history is"""

from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.drop_index("ix_desktops_template_state", "desktops")
    op.create_index("ix_desktops_template_state", "desktops", ["template_id", "state", "warmed_at"])
