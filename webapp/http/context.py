"""The context of a request: the services, the signed-in person and the source address."""

from dataclasses import dataclass
from typing import cast

from flask import Flask, current_app, g, request
from flask_login import LoginManager, current_user

from webapp.bootstrap import Services
from webapp.domain.access import Action, Reach, Subject, reach
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
    def subject(self) -> Subject:
        """The person in their role."""
        return Subject(self.id, role=self.signed_in.role)


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


def may_everywhere(action: Action) -> bool:
    """Return whether the signed-in person's role allows the action on everything."""
    person = current_person()
    return person is not None and reach(person.subject, action) is Reach.ALL


def act_in_role() -> None:
    """Let the person's role count for the rest of this request."""
    g.acts_in_role = True


def actor() -> Actor:
    """Return the actor for the services.

    The role counts only on pages that need it, so that no button on the pages of one's own desktops
    reaches the desktop of another person.
    """
    person = current_person()
    if person is None:
        return Actor(None, source_address())
    return Actor(
        person.id,
        source_address(),
        role=person.signed_in.role,
        is_own_only=not g.get("acts_in_role"),
    )


def load_person(token: str) -> CurrentPerson | None:
    """Return the holder of this sign-in token, or None if it is invalid or has expired."""
    signed_in = services().accounts.signed_in(token)
    return CurrentPerson(signed_in, token) if signed_in else None
