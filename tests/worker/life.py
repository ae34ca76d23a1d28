"""What tests of the worker ask again and again."""

from sqlalchemy import select

from webapp.bootstrap import Services
from webapp.models import AddressReservation, Desktop, VmidReservation
from webapp.services.audit import Actor
from webapp.services.launch import LaunchWish


def launch(services: Services, actor: Actor) -> str:
    return services.launcher.launch(actor, LaunchWish())


def row(services: Services, public_id: str) -> Desktop:
    with services.db.read() as session:
        return session.scalars(select(Desktop).where(Desktop.public_id == public_id)).one()


def reservations(services: Services) -> int:
    """How many VM ids and addresses are held."""
    with services.db.read() as session:
        return len(session.scalars(select(VmidReservation)).all()) + len(
            session.scalars(select(AddressReservation)).all()
        )
