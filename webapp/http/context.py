"""The context of a request: the services, the signed-in person and the source address."""

from dataclasses import dataclass
from typing import cast

from flask import Flask, current_app, g, request
from flask_login import LoginManager, current_user

from webapp.bootstrap import Services
from webapp.services.audit.record import Actor
from webapp.services.people.accounts import SignedIn


@dataclass(frozen=True)
class CurrentPerson:
    """The signed-in person, as flask-login expects it; the cookie holds only the token."""

    signed_in: SignedIn
    token: str

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def get_id(self) -> str:
        return self.token

    @property
    def id(self) -> int:
        return self.signed_in.person_id

    @property
    def name(self) -> str:
        return self.signed_in.name

    @property
    def is_admin(self) -> bool:
        return self.signed_in.is_admin


def init_context(app: Flask, services: Services) -> None:
    """Make the services and the person of the sign-in cookie available to every request."""
    app.extensions["winux"] = services
    manager = LoginManager()
    manager.session_protection = None  # the sign-in row decides; phones change addresses
    manager.user_loader(load_person)
    manager.init_app(app, add_context_processor=False)


def services() -> Services:
    """Return the services that were passed to create_app()."""
    return cast(Services, current_app.extensions["winux"])


def current_person() -> CurrentPerson | None:
    """Return the signed-in person, or None."""
    if g.get("is_person_unknown"):
        return None
    return current_user._get_current_object() if current_user.is_authenticated else None


def forget_person() -> None:
    """Treat the caller as not signed in for the rest of this request, without a database query."""
    g.is_person_unknown = True


def source_address() -> str:
    """Return the client's address; only trusted proxies may set it."""
    return request.remote_addr or ""


def actor(*, as_admin: bool = False) -> Actor:
    """Return the actor for the services; pass `as_admin` only on admin pages."""
    person = current_person()
    is_admin = as_admin and person is not None and person.is_admin
    return Actor(person.id if person else None, source_address(), is_admin)


def load_person(token: str) -> CurrentPerson | None:
    """Return the holder of this sign-in token, or None if it is invalid or has expired."""
    signed_in = services().accounts.signed_in(token)
    return CurrentPerson(signed_in, token) if signed_in else None
