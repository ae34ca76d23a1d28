"""an index for when a template was last warmed"""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_index("ix_desktops_template_warmed", "desktops", ["template_id", "warmed_at"])
