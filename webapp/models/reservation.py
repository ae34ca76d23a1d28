"""VM ids and addresses in use: held from before the clone until the container is verified gone.

The primary keys make a double reservation impossible, also in a race.
"""

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from webapp.models.base import Base


class VmidReservation(Base):
    """A VM id that a desktop holds."""

    __tablename__ = "vmid_reservations"

    vmid: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    desktop_id: Mapped[int] = mapped_column(ForeignKey("desktops.id"), unique=True)


class AddressReservation(Base):
    """An address that a desktop holds."""

    __tablename__ = "address_reservations"

    address: Mapped[str] = mapped_column(String(45), primary_key=True)
    desktop_id: Mapped[int] = mapped_column(ForeignKey("desktops.id"), unique=True)
