"""Variables of all page templates: the person, the navigation, the language, the time."""

from dataclasses import dataclass
from typing import Any

from flask import Flask, request, url_for

from webapp.http.context import CurrentPerson, current_person, services
from webapp.web.language import _, language


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


def _template_context() -> dict[str, Any]:
    person = current_person()
    return {
        "person": person,
        "navigation": _navigation(person),
        "language": language(),
        "now": services().clock.now(),
    }


def _navigation(person: CurrentPerson | None) -> list[NavigationItem]:
    if person is None:
        return []
    items = [
        _item(_("Launch"), "rocket", "home.show", {"home"}),
        _item(_("My desktops"), "list", "history.show", {"history", "desktops"}),
    ]
    if person.is_admin:
        items.append(_item(_("Admin"), "gauge", "admin.overview", {"admin"}))
    return items


def _item(title: str, icon: str, endpoint: str, blueprints: set[str]) -> NavigationItem:
    return NavigationItem(title, icon, url_for(endpoint), request.blueprint in blueprints)
