"""when the container of an old template version was last tried to be removed, and why it was not"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    tried = sa.Column("removal_tried_at", sa.DateTime(timezone=True), nullable=True)
    op.add_column("template_replicas", tried)
    trouble = sa.Column("removal_trouble", sa.String(length=300), nullable=True)
    op.add_column("template_replicas", trouble)
