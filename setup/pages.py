"""Reads a page as a browser without JavaScript does: its forms and their texts."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}


@dataclass
class Form:
    """One form: its action, and the fields that it sends if nothing is changed."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


class Page(HTMLParser):
    """The forms of a page, and its texts by the class of the surrounding element."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self._texts: list[tuple[frozenset[str], str]] = []
        self._open: list[tuple[str, frozenset[str]]] = []
        self._select = ""
        self.feed(html)

    def form_with(self, *names: str) -> Form | None:
        """Return the first form that has all these fields."""
        return next((form for form in self.forms if set(names) <= form.fields.keys()), None)

    def form_to(self, ending: str) -> Form | None:
        """Return the first form whose action ends with this text."""
        return next((form for form in self.forms if form.action.endswith(ending)), None)

    def link_to(self, ending: str) -> str | None:
        """Return the first link that ends with this text."""
        return next((link for link in self.links if link.endswith(ending)), None)

    def texts_in(self, name: str) -> list[str]:
        """Return the texts inside elements of that class, at any depth."""
        return [text for classes, text in self._texts if name in classes]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        if tag not in VOID:
            self._open.append((tag, frozenset(has.get("class", "").split())))
        if tag == "form":
            self.forms.append(Form(has.get("action", "")))
        elif tag == "a" and "href" in has:
            self.links.append(has["href"])
        elif tag == "input" and self.forms and has.get("name"):
            self.forms[-1].fields[has["name"]] = has.get("value", "")
        elif tag == "select":
            self._select = has.get("name", "")
        elif tag == "option" and self.forms and self._select and "selected" in has:
            self.forms[-1].fields[self._select] = has.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        while self._open and tag in {name for name, _ in self._open}:
            if self._open.pop()[0] == tag:
                break

    def handle_data(self, data: str) -> None:
        if text := data.strip():
            classes = frozenset().union(*(classes for _, classes in self._open))
            self._texts.append((classes, text))
