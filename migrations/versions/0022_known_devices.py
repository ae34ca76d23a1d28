"""browsers that are known, and when a password was last typed"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.add_column("people", sa.Column("held_since", moment, nullable=True))
    op.add_column("sign_ins", sa.Column("proved_at", moment, nullable=True))
    op.add_column("sign_in_attempts", sa.Column("device", sa.String(length=16), nullable=True))
    op.create_index("ix_sign_in_attempts_at", "sign_in_attempts", ["at"])
