"""Variables of all page templates: the person, the navigation, the language, the time."""

from dataclasses import dataclass
from typing import Any

from flask import Flask, request, url_for

from webapp.domain.access import Action
from webapp.http.context import CurrentPerson, current_person, may_everywhere, services
from webapp.web.language import _, language
from webapp.web.texts.refusals import message_of, what_to_do
from webapp.web.texts.roles import ROLES


@dataclass(frozen=True)
class NavigationItem:
    """One entry of the main navigation."""

    title: str
    icon: str
    url: str
    is_current: bool


def init_template_context(app: Flask) -> None:
    """Provide the variables to all templates."""
    app.context_processor(_template_context)
    app.jinja_env.globals.update(message_of=message_of, what_to_do=what_to_do)


def _template_context() -> dict[str, Any]:
    person = current_person()
    return {
        "person": person,
        "may": _may,
        "role": ROLES[person.signed_in.role] if person else "",
        "navigation": _navigation(person),
        "language": language(),
        "now": services().clock.now(),
    }


def _may(action: str) -> bool:
    """Whether the person's role allows the action on everything, such as `may("pool.change")`."""
    return may_everywhere(Action(action))


def _navigation(person: CurrentPerson | None) -> list[NavigationItem]:
    if person is None:
        return []
    items = [
        _item(_("Launch"), "rocket", "home.show", {"home"}),
        _item(_("My desktops"), "list", "history.show", {"history", "desktops"}),
    ]
    if may_everywhere(Action.STATISTICS_SEE):
        items.append(_item(_("Admin"), "gauge", "admin.overview", {"admin"}))
    return items


def _item(title: str, icon: str, endpoint: str, blueprints: set[str]) -> NavigationItem:
    return NavigationItem(title, icon, url_for(endpoint), request.blueprint in blueprints)
