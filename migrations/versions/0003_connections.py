"""connections"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

ENDS = (
    "left",
    "logged out",
    "desktop ended",
    "cut",
    "taken over",
    "suspended",
    "gateway restart",
    "lost",
    "silent",
    "slow",
    "bad request",
    "ticket",
    "not ready",
    "certificate",
    "unreachable",
    "too many",
    "full",
)


def upgrade() -> None:
    purpose = sa.Enum("rdp", name="purpose", native_enum=False, length=16)
    end = sa.Enum(*ENDS, name="connectionend", native_enum=False, length=24)
    moment = sa.DateTime(timezone=True)
    with op.batch_alter_table("desktops", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("end_on_close", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        batch_op.add_column(sa.Column("left_at", moment, nullable=True))
        batch_op.add_column(sa.Column("idle_warned_at", moment, nullable=True))
    with op.batch_alter_table("templates", schema=None) as batch_op:
        batch_op.add_column(sa.Column("idle_minutes", sa.Integer(), nullable=True))
        for name in ("clipboard_in", "clipboard_out"):
            batch_op.add_column(
                sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.true())
            )
    op.create_table(
        "tickets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("purpose", purpose, nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("sign_in_id", sa.Integer(), nullable=False),
        sa.Column("desktop_id", sa.Integer(), nullable=False),
        sa.Column("keyboard_layout", sa.String(length=8), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("redeemed_at", moment, nullable=True),
        sa.ForeignKeyConstraint(
            ["desktop_id"], ["desktops.id"], name=op.f("fk_tickets_desktop_id_desktops")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_tickets_person_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["sign_in_id"], ["sign_ins.id"], name=op.f("fk_tickets_sign_in_id_sign_ins")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tickets")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_tickets_token_hash")),
    )
    with op.batch_alter_table("tickets", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_tickets_expires_at"), ["expires_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_tickets_person_id"), ["person_id"], unique=False)
    op.create_table(
        "connections",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=32), nullable=False),
        sa.Column("protocol", purpose, nullable=False),
        sa.Column("desktop_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("sign_in_id", sa.Integer(), nullable=False),
        sa.Column("source_address", sa.String(length=45), nullable=False),
        sa.Column("user_agent", sa.String(length=200), nullable=False),
        sa.Column("started_at", moment, nullable=False),
        sa.Column("seen_at", moment, nullable=False),
        sa.Column("ended_at", moment, nullable=True),
        sa.Column("end", end, nullable=True),
        sa.Column("cut_as", end, nullable=True),
        sa.Column("bytes_up", sa.BigInteger(), nullable=False),
        sa.Column("bytes_down", sa.BigInteger(), nullable=False),
        sa.Column("last_input_at", moment, nullable=True),
        sa.ForeignKeyConstraint(
            ["desktop_id"], ["desktops.id"], name=op.f("fk_connections_desktop_id_desktops")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_connections_person_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["sign_in_id"], ["sign_ins.id"], name=op.f("fk_connections_sign_in_id_sign_ins")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connections")),
        sa.UniqueConstraint("public_id", name=op.f("uq_connections_public_id")),
    )
    with op.batch_alter_table("connections", schema=None) as batch_op:
        batch_op.create_index(
            "ix_connections_desktop_started", ["desktop_id", "started_at"], unique=False
        )
        batch_op.create_index(
            "ix_connections_person_ended", ["person_id", "ended_at"], unique=False
        )
        batch_op.create_index("ix_connections_ended_seen", ["ended_at", "seen_at"], unique=False)
