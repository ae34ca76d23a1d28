"""The administrators' list of desktops: filter, order and links, from the URL."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from flask import request, url_for

from webapp.domain.states import AT_REST, HOLDS_RESOURCES, State
from webapp.http.context import services
from webapp.services.desktops.views import SORTS, DesktopFilter
from webapp.web.desktops.view import DesktopView
from webapp.web.language import _
from webapp.web.pages import DesktopPage, page_number

LONGEST_QUERY = 64

#: The filters that the chips select.
CHOICES: dict[str, DesktopFilter] = {
    "now": DesktopFilter(states=HOLDS_RESOURCES),
    "ready": DesktopFilter(states=frozenset({State.READY})),
    "making": DesktopFilter(states=frozenset({State.QUEUED, State.BUILDING, State.ASSIGNING})),
    "paused": DesktopFilter(states=AT_REST),
    "stopping": DesktopFilter(states=frozenset({State.STOPPING})),
    "failed": DesktopFilter(has_failed=True),
    "marked": DesktopFilter(is_marked=True),
    "ended": DesktopFilter(states=frozenset({State.ENDED})),
    "all": DesktopFilter(),
}


@dataclass(frozen=True)
class Chip:
    """One choice of states; `count` is None where counting would include ended desktops."""

    title: str
    url: str
    count: int | None
    is_current: bool


@dataclass(frozen=True)
class Column:
    """One column header: `direction` is ascending, descending, or empty if not sorted by it."""

    title: str
    url: str
    direction: str


@dataclass(frozen=True)
class Asked:
    """The query of the URL, with invalid values replaced by defaults."""

    query: str
    choice: str
    sort: str
    is_descending: bool
    page: int

    def url(self, endpoint: str = "admin.desktops", **changes: object) -> str:
        """Return the list's URL with some values changed; defaults are left out."""
        asked = replace(self, **changes)  # type: ignore[arg-type]  # names and kinds as above
        return url_for(
            endpoint,
            q=asked.query or None,
            state=asked.choice if asked.choice != "now" else None,
            sort=f"{'-' if asked.is_descending else ''}{asked.sort}",
            page=asked.page if asked.page > 1 else None,
        )


@dataclass(frozen=True)
class AdminList(DesktopPage):
    """The list as the template shows it."""

    asked: Asked
    chips: Sequence[Chip]
    columns: Sequence[Column]

    @property
    def live_url(self) -> str:
        return self.asked.url("admin.desktops_live")

    @property
    def has_stoppable(self) -> bool:
        return any(row.can_stop for row in self.rows)


def admin_list() -> AdminList:
    """Return the list that the request asks for."""
    asked = _asked()
    wanted = replace(
        CHOICES[asked.choice],
        text=asked.query,
        sort=asked.sort,
        is_descending=asked.is_descending,
        page=asked.page,
    )
    found = services().reports.all_desktops(wanted)
    now = services().clock.now()
    return AdminList(
        rows=[DesktopView(row, now) for row in found.rows],
        number=found.number,
        pages=found.pages,
        count=found.total,
        link=lambda number: asked.url(page=number),
        asked=asked,
        chips=_chips(asked),
        columns=_columns(asked),
    )


def _asked() -> Asked:
    sort = request.args.get("sort", "-created")
    choice = request.args.get("state", "now")
    return Asked(
        query=request.args.get("q", "").strip()[:LONGEST_QUERY],
        choice=choice if choice in CHOICES else "now",
        sort=sort.lstrip("-") if sort.lstrip("-") in SORTS else "created",
        is_descending=sort.startswith("-"),
        page=page_number(),
    )


def _chips(asked: Asked) -> list[Chip]:
    by_state = services().reports.overview().by_state
    titles = {
        "now": _("Now"),
        "ready": _("Ready"),
        "making": _("Being made"),
        "paused": _("Paused"),
        "stopping": _("Stopping"),
        "failed": _("Failed"),
        "marked": _("Invalid answers"),
        "ended": _("Ended"),
        "all": _("All"),
    }
    return [
        Chip(
            title=title,
            url=asked.url(choice=name, page=1),
            count=_count(CHOICES[name], by_state),
            is_current=name == asked.choice,
        )
        for name, title in titles.items()
    ]


def _count(choice: DesktopFilter, by_state: dict[State, int]) -> int | None:
    if not choice.states or not choice.states <= HOLDS_RESOURCES:
        return None
    return sum(by_state.get(state, 0) for state in choice.states)


def _columns(asked: Asked) -> list[Column]:
    titles = {
        "id": _("Desktop"),
        "state": _("State"),
        "owner": _("Person"),
        "template": _("Template"),
        "node": _("Node"),
        "address": _("Address"),
        "created": _("Launched"),
        "deadline": _("Left"),
    }
    columns = [_column(asked, name, title) for name, title in titles.items()]
    return [*columns, Column(_("Why it ended"), "", "")]


def _column(asked: Asked, name: str, title: str) -> Column:
    is_current = asked.sort == name
    turned = not asked.is_descending if is_current else name == "created"
    direction = ""
    if is_current:
        direction = "descending" if asked.is_descending else "ascending"
    return Column(title, asked.url(sort=name, is_descending=turned, page=1), direction)
