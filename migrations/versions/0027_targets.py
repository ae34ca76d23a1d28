"""the target, the protocol and the door of tickets and connections"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"

TABLES = ("tickets", "connections")
NAME_OF_DESKTOP = """
    UPDATE {table} SET target_id =
        (SELECT public_id FROM desktops WHERE desktops.id = {table}.desktop_id)
"""
#: Counters that were added up before they had labels for door and target.
COUNTED = """
    UPDATE tallies SET labels = replace(labels, ']', ', "browser view", "desktop"]')
    WHERE metric = 'winux_connections_total'
"""


def upgrade() -> None:
    for table in TABLES:
        for column in _columns():
            op.add_column(table, column)
        op.execute(NAME_OF_DESKTOP.format(table=table))
        with op.batch_alter_table(table) as batch_op:
            batch_op.alter_column("desktop_id", existing_type=sa.Integer(), nullable=True)
            for column in _columns():
                batch_op.alter_column(
                    column.name, existing_type=column.type, nullable=False, server_default=None
                )
            batch_op.create_check_constraint(
                op.f(f"ck_{table}_target_has_its_row"),
                "(target_kind = 'desktop') = (desktop_id IS NOT NULL)",
            )
    with op.batch_alter_table("tickets") as batch_op:
        batch_op.alter_column(
            "purpose", existing_type=sa.String(16), nullable=False, new_column_name="protocol"
        )
    op.execute(COUNTED)


def _columns() -> list[sa.Column[str]]:
    """The new columns, with the values of all rows until now."""
    return [
        sa.Column("door", sa.String(16), nullable=False, server_default="browser view"),
        sa.Column("target_kind", sa.String(16), nullable=False, server_default="desktop"),
        sa.Column("target_id", sa.String(64), nullable=False, server_default=""),
    ]
