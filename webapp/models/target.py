"""The columns of a ticket and of a connection that say where it leads, and through which door."""

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, relationship

from webapp.domain.connections.target import Door, Protocol, Target, TargetKind
from webapp.models.base import word
from webapp.models.desktop import Desktop


def has_its_row() -> CheckConstraint:
    """Refuses a desktop as target without the desktop's row, and a row of another kind of target.

    A table needs a constraint of its own, so each call returns a new one.
    """
    return CheckConstraint(
        "(target_kind = 'desktop') = (desktop_id IS NOT NULL)", name="target_has_its_row"
    )


class LeadsToTarget:
    """Adds the target, the protocol and the door to a table."""

    door: Mapped[Door] = mapped_column(word(Door))
    protocol: Mapped[Protocol] = mapped_column(word(Protocol))
    target_kind: Mapped[TargetKind] = mapped_column(word(TargetKind))
    target_id: Mapped[str] = mapped_column(String(64))
    """The target's public id, by which lists show it."""
    desktop_id: Mapped[int | None] = mapped_column(ForeignKey("desktops.id"))
    """The desktop's row, if the target is one."""

    @declared_attr
    def desktop(self) -> Mapped[Desktop | None]:
        return relationship(lazy="joined")

    @property
    def target(self) -> Target:
        return Target(self.target_kind, self.target_id)
