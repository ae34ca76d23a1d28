"""API keys, and what audit entries tell of who acted"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("prefix", sa.String(length=8), nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("scope_words", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=True),
        sa.Column("last_used_at", moment, nullable=True),
        sa.Column("last_used_from", sa.String(length=45), nullable=True),
        sa.Column("revoked_at", moment, nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_api_keys_person_id_people")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("prefix", name=op.f("uq_api_keys_prefix")),
    )
    op.create_index(op.f("ix_api_keys_person_id"), "api_keys", ["person_id"])
    for table in ("tickets", "connections"):
        with op.batch_alter_table(table) as batch_op:
            batch_op.add_column(sa.Column("key_id", sa.Integer(), nullable=True))
            batch_op.alter_column("sign_in_id", existing_type=sa.Integer(), nullable=True)
            batch_op.create_foreign_key(
                op.f(f"fk_{table}_key_id_api_keys"), "api_keys", ["key_id"], ["id"]
            )
    with op.batch_alter_table("audit_entries") as batch_op:
        batch_op.add_column(sa.Column("role", sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column("key_id", sa.Integer(), nullable=True))
        batch_op.add_column(
            sa.Column("subject_kind", sa.String(length=16), nullable=False, server_default="")
        )
        batch_op.create_foreign_key(
            op.f("fk_audit_entries_key_id_api_keys"), "api_keys", ["key_id"], ["id"]
        )
        batch_op.create_index(op.f("ix_audit_entries_key_id"), ["key_id"])
