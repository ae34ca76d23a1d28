"""a refusal's code and parameters in its audit entry; older entries keep their sentence"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    op.add_column("audit_entries", sa.Column("refusal", sa.JSON(), nullable=True))
