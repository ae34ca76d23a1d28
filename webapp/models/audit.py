"""The audit log: actions and refusals. An action's entry is written in the same transaction."""

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from webapp.models.base import Base, UtcDateTime


class AuditEntry(Base):
    """One action or refusal. Never contains a secret."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index("ix_audit_entries_refused", "at", sqlite_where=text("is_refused IS 1")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    action: Mapped[str] = mapped_column(String(40), index=True)
    """Noun and verb, such as `desktop.launch`."""
    is_refused: Mapped[bool] = mapped_column(default=False)
    reason: Mapped[str | None] = mapped_column(String(32))
    """The stable code of a refusal, such as `limit`."""
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"), index=True)
    """The person who acted; None when Winux itself did."""
    role: Mapped[str | None] = mapped_column(String(32))
    """The person's role at that time."""
    key_id: Mapped[int | None] = mapped_column(ForeignKey("api_keys.id"), index=True)
    """The API key that was used."""
    source_address: Mapped[str | None] = mapped_column(String(45))
    subject_kind: Mapped[str] = mapped_column(String(16), default="")
    """The kind of thing that `subject` names, such as `desktop`."""
    subject: Mapped[str] = mapped_column(String(80), default="", index=True)
    """The thing that was acted on, such as `desktop-a1b2c3d4`."""
    detail: Mapped[str] = mapped_column(String(500), default="")
    """English text; empty if `refusal` is set."""
    refusal: Mapped[dict[str, object] | None] = mapped_column(JSON(none_as_null=True))
    """Code and parameters of a refusal; None: no refusal, or `detail` is its sentence (older
    releases)."""
    times: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    """How often it happened: repeats of a refusal are folded into its first entry."""
    last_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When it last happened; None if it happened once."""
