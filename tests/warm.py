"""Database rows of warm desktops, as the pool's worker leaves them."""

import secrets
from datetime import timedelta

from sqlalchemy import select

from webapp.bootstrap import Services
from webapp.domain.people.passwords import make_password
from webapp.domain.states import Event, State, advance
from webapp.models import Desktop, Template
from webapp.services.desktops.reservation import reserve


def add_warm(
    services: Services, count: int = 1, template: str = "xfce", **changes: object
) -> list[str]:
    """Insert `count` warm desktops; return their public ids, the longest warm one first."""
    now = services.clock.now()
    ids = []
    with services.db.begin() as session:
        kind = session.scalars(select(Template).where(Template.name == template)).one()
        for number in range(count):
            began = now - timedelta(minutes=count - number)
            values: dict[str, object] = {
                "node": "lab",
                "template_version": kind.version,
                "warmed_at": began,
                "ssh_host_key_sha256": "SHA256:host",
                "rdp_certificate_sha256": "cert",
                **changes,
            }
            desktop = Desktop(
                public_id=f"desktop-{secrets.token_hex(4)}",
                template=kind,
                state=State.QUEUED,
                state_at=began,
                created_at=began,
                minutes=kind.default_minutes,
                rdp_username="desktop",
                keyboard_layout="us",
                password_locked=services.vault.lock(make_password()),
            )
            session.add(desktop)
            reserve(session, services.config, desktop)
            advance(desktop, Event.BUILD_STARTED, began)
            advance(desktop, Event.BUILT_FOR_POOL, began)
            for name, value in values.items():
                setattr(desktop, name, value)
            ids.append(desktop.public_id)
    return ids
