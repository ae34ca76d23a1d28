"""Reads the value of one setting; each error states how to correct it."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from webapp import env_file
from webapp.domain.origins import normal_origin, split_url
from webapp.settings.table import CHECKOUT, FORMER, SECRETS, SETTINGS


class BadConfig(ValueError):
    """A setting is missing or wrong; the text names it, with the cause and the correction."""


class Reader:
    """Reads single settings of an environment, each with a clear error."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def text(self, name: str) -> str:
        if name in SECRETS and (file := self._environment.get(f"{name}_FILE", "").strip()):
            return _clean(f"{name}_FILE", self._file(name, path_of(file)))
        value = self._value(name) or SETTINGS[name]
        if value is None:
            also = f" (or {name}_FILE to a file that holds it)" if name in SECRETS else ""
            raise BadConfig(
                f"{name} is not set; set it{also} in the environment or in {env_file.OF_MACHINE}. "
                "See docs/admin/settings.md."
            )
        return value

    def _value(self, name: str) -> str:
        """Returns what is set under the name, or else under a former name of it."""
        names = [name, *(former for former, new in FORMER.items() if new == name)]
        values = (_clean(one, self._environment.get(one, "")) for one in names)
        return next(filter(None, values), "")

    def former(self) -> tuple[str, ...]:
        """Returns the former names under which settings are set."""
        return tuple(name for name in FORMER if self._environment.get(name, "").strip())

    def secret(self, name: str, shortest: int) -> str:
        value = self.text(name)
        if len(value) < shortest:
            raise BadConfig(f"{name} is too short; it needs at least {shortest} characters.")
        return value

    def number(self, name: str, lowest: int, highest: int) -> int:
        text = self.text(name)
        if not (text.isascii() and text.isdigit() and lowest <= int(text[:12]) <= highest):
            raise BadConfig(f"{name} is {text!r}; it takes a number from {lowest} to {highest}.")
        return int(text)

    def choice(self, name: str, words: Sequence[str]) -> str:
        text = self.text(name)
        if text not in words:
            raise BadConfig(f"{name} is {text!r}; it takes one of: {', '.join(words)}.")
        return text

    def seconds(self, name: str, lowest: int = 1, highest: int = 86_400) -> timedelta:
        return timedelta(seconds=self.number(name, lowest, highest))

    def minutes(self, name: str) -> timedelta:
        return timedelta(minutes=self.number(name, 1, 525_600))

    def path(self, name: str) -> Path:
        return path_of(self.text(name))

    def word(self, name: str, pattern: str, takes: str) -> str:
        """Returns a value that matches all of `pattern`; `takes` describes it in errors."""
        text = self.text(name)
        if text and not re.fullmatch(pattern, text):
            wrong = "has a character that it cannot have" if name in SECRETS else f"is {text!r}"
            raise BadConfig(f"{name} {wrong}; it takes {takes}.")
        return text

    def url(self, name: str, takes: str, schemes: Sequence[str]) -> SplitResult | None:
        """Returns a URL with one of these schemes, normalized as browsers do; None if not set."""
        text = self.text(name)
        if not text:
            return None
        try:
            parts = split_url(text)
            if parts.scheme not in schemes or not parts.hostname or parts.query or parts.fragment:
                raise ValueError("that is something else")
            origin = urlsplit(normal_origin(parts))
        except ValueError as error:
            raise BadConfig(f"{name} is {text!r}: {error}; it takes {takes}.") from error
        return parts._replace(netloc=origin.netloc)

    def _file(self, name: str, file: Path) -> str:
        try:
            text = file.read_text("utf-8-sig").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise BadConfig(f"{name}_FILE names {file}, which cannot be read: {error}") from error
        if not text:
            raise BadConfig(f"{name}_FILE names {file}, which is empty.")
        return text


def _clean(name: str, text: str) -> str:
    """Strips what surrounds a pasted value; refuses invisible characters and quotation marks."""
    value = text.strip("\ufeff \t\r\n\u00a0")
    if not value.isprintable():
        raise BadConfig(f"{name} has a line break or an invisible character in it; remove that.")
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"`":
        raise BadConfig(f"{name} has quotation marks around its value; leave them out.")
    return value


def path_of(text: str) -> Path:
    """Returns a path; a relative one starts at the checkout, not at the process's folder."""
    return CHECKOUT / Path(text).expanduser()
