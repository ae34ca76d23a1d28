"""first release"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "people",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("password_hash", sa.String(length=256), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "person", "operator", "auditor", "admin", name="role", native_enum=False, length=16
            ),
            nullable=False,
        ),
        sa.Column("max_desktops", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
        sa.UniqueConstraint("name", name=op.f("uq_people_name")),
    )
    op.create_table(
        "sign_in_attempts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=45), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_attempts")),
    )
    with op.batch_alter_table("sign_in_attempts", schema=None) as batch_op:
        batch_op.create_index("ix_sign_in_attempts_name_at", ["name", "at"], unique=False)
        batch_op.create_index("ix_sign_in_attempts_source_at", ["source", "at"], unique=False)

    op.create_table(
        "templates",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("title", sa.String(length=64), nullable=False),
        sa.Column("summary", sa.String(length=200), nullable=False),
        sa.Column("desktop_environment", sa.String(length=16), nullable=False),
        sa.Column("vmid", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(length=32), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("memory_mb", sa.Integer(), nullable=False),
        sa.Column("swap_mb", sa.Integer(), nullable=False),
        sa.Column("cores", sa.Integer(), nullable=False),
        sa.Column("disk_gb", sa.Integer(), nullable=False),
        sa.Column("nesting", sa.Boolean(), nullable=False),
        sa.Column("default_minutes", sa.Integer(), nullable=False),
        sa.Column("max_minutes", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_templates")),
        sa.UniqueConstraint("name", name=op.f("uq_templates_name")),
    )
    op.create_table(
        "worker_beats",
        sa.Column("worker", sa.String(length=80), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("proxmox_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("proxmox_trouble", sa.String(length=500), nullable=True),
        sa.PrimaryKeyConstraint("worker", name=op.f("pk_worker_beats")),
    )
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("is_refused", sa.Boolean(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("source_address", sa.String(length=45), nullable=True),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("detail", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_audit_entries_person_id_people")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entries")),
    )
    with op.batch_alter_table("audit_entries", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_entries_action"), ["action"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_entries_at"), ["at"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_entries_person_id"), ["person_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_entries_subject"), ["subject"], unique=False)

    op.create_table(
        "desktops",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=32), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("template_id", sa.Integer(), nullable=False),
        sa.Column("launch_token", sa.String(length=64), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "queued",
                "building",
                "warm",
                "assigning",
                "ready",
                "failed",
                "stopping",
                "ended",
                name="state",
                native_enum=False,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column("state_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "end_reason",
            sa.Enum(
                "asked",
                "expired",
                "idle",
                "policy",
                "admin",
                "lost",
                "failed",
                name="endreason",
                native_enum=False,
                length=16,
            ),
            nullable=True,
        ),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("rdp_username", sa.String(length=32), nullable=False),
        sa.Column("keyboard_layout", sa.String(length=8), nullable=False),
        sa.Column("password_locked", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("build_started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ready_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deadline_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deadline_told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stop_requested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("vmid", sa.Integer(), nullable=True),
        sa.Column("node", sa.String(length=64), nullable=True),
        sa.Column("address", sa.String(length=45), nullable=True),
        sa.Column("template_version", sa.String(length=32), nullable=True),
        sa.Column("ssh_host_key_sha256", sa.String(length=64), nullable=True),
        sa.Column("rdp_certificate_sha256", sa.String(length=64), nullable=True),
        sa.Column("rdp_certificate_pem", sa.Text(), nullable=True),
        sa.Column("failure", sa.String(length=500), nullable=True),
        sa.Column("failure_log", sa.Text(), nullable=True),
        sa.Column("worked_by", sa.String(length=80), nullable=True),
        sa.Column("worked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("retry_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["people.id"], name=op.f("fk_desktops_owner_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["template_id"], ["templates.id"], name=op.f("fk_desktops_template_id_templates")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desktops")),
        sa.UniqueConstraint("launch_token", name=op.f("uq_desktops_launch_token")),
        sa.UniqueConstraint("public_id", name=op.f("uq_desktops_public_id")),
    )
    with op.batch_alter_table("desktops", schema=None) as batch_op:
        batch_op.create_index("ix_desktops_deadline", ["state", "deadline_at"], unique=False)
        batch_op.create_index("ix_desktops_owner_created", ["owner_id", "created_at"], unique=False)
        batch_op.create_index("ix_desktops_state_created", ["state", "created_at"], unique=False)

    op.create_table(
        "sign_ins",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("source_address", sa.String(length=45), nullable=False),
        sa.Column("user_agent", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_sign_ins_person_id_people")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_ins")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sign_ins_token_hash")),
    )
    with op.batch_alter_table("sign_ins", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sign_ins_person_id"), ["person_id"], unique=False)

    op.create_table(
        "address_reservations",
        sa.Column("address", sa.String(length=45), nullable=False),
        sa.Column("desktop_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["desktop_id"],
            ["desktops.id"],
            name=op.f("fk_address_reservations_desktop_id_desktops"),
        ),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_address_reservations")),
        sa.UniqueConstraint("desktop_id", name=op.f("uq_address_reservations_desktop_id")),
    )
    op.create_table(
        "desktop_steps",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("desktop_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["desktop_id"], ["desktops.id"], name=op.f("fk_desktop_steps_desktop_id_desktops")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desktop_steps")),
    )
    with op.batch_alter_table("desktop_steps", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_desktop_steps_desktop_id"), ["desktop_id"], unique=False
        )

    op.create_table(
        "vmid_reservations",
        sa.Column("vmid", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("desktop_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["desktop_id"], ["desktops.id"], name=op.f("fk_vmid_reservations_desktop_id_desktops")
        ),
        sa.PrimaryKeyConstraint("vmid", name=op.f("pk_vmid_reservations")),
        sa.UniqueConstraint("desktop_id", name=op.f("uq_vmid_reservations_desktop_id")),
    )
