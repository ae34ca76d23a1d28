"""API keys as the tables show them."""

from collections.abc import Iterable
from dataclasses import dataclass

from webapp.domain.access import may_grant
from webapp.domain.people.keys import Scope
from webapp.http.context import services
from webapp.models import ApiKey
from webapp.web.language import lazy_gettext

#: What each scope allows.
SCOPES = {
    Scope.READ: lazy_gettext("read: see my desktops"),
    Scope.LAUNCH: lazy_gettext("launch: also launch, open and stop my desktops"),
    Scope.ADMIN: lazy_gettext("admin: also all that my role allows"),
}


@dataclass(frozen=True)
class KeyRow:
    """One key as a table shows it."""

    key: ApiKey
    is_expired: bool
    is_without_admin: bool
    """Whether the key has the scope admin, but its person's role no longer allows more."""

    @property
    def scopes(self) -> str:
        return ", ".join(self.key.scopes)


def key_rows(keys: Iterable[ApiKey]) -> list[KeyRow]:
    """Return the keys as rows of a table."""
    now = services().clock.now()
    return [
        KeyRow(
            key=key,
            is_expired=key.expires_at is not None and key.expires_at <= now,
            is_without_admin=Scope.ADMIN in key.scopes
            and not may_grant(key.person.role, Scope.ADMIN),
        )
        for key in keys
    ]
