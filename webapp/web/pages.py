"""Paging of lists: the page number from the URL, and links to the neighbouring pages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from flask import request

from webapp.models import Desktop
from webapp.services.paging import PAGE_SIZE, Page
from webapp.web.desktops.loading import plain_view
from webapp.web.desktops.view import DesktopView

#: Seconds between updates of a list while something in it can change.
POLL_SECONDS = 5


Row = TypeVar("Row")


@dataclass(frozen=True)
class ListPage(Generic[Row]):
    """One page of a list, as the templates show it."""

    rows: Sequence[Row]
    number: int
    pages: int
    count: int
    link: Callable[[int], str]

    @property
    def first(self) -> int:
        return (self.number - 1) * PAGE_SIZE + 1

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1

    @property
    def previous_url(self) -> str:
        return self.link(self.number - 1) if self.number > 1 else ""

    @property
    def next_url(self) -> str:
        return self.link(self.number + 1) if self.number < self.pages else ""


@dataclass(frozen=True)
class DesktopPage(ListPage[DesktopView]):
    """One page of desktops."""

    @property
    def poll_seconds(self) -> int:
        return POLL_SECONDS if any(row.poll_seconds for row in self.rows) else 0


def list_page(page: Page[Desktop], link: Callable[[int], str]) -> DesktopPage:
    """Return a page of the reports for the templates; `link` returns the URL of a page number."""
    rows = [plain_view(row) for row in page.rows]
    return DesktopPage(rows, page.number, page.pages, page.total, link)


def page_number() -> int:
    """Return the requested page number; 1 for anything that is not a number."""
    text = request.args.get("page", "1")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 6 else 1
