"""The language of the pages: words in it, chosen by the browser among those that there are."""

from pathlib import Path
from typing import Any

import flask_babel
from flask import Flask, request

from webapp.config import ROOT

CATALOGUES = ROOT / "translations"


def init_language(app: Flask, catalogues: Path = CATALOGUES) -> None:
    """Set Babel up: the languages are English and those that `catalogues` has.

    Times are shown in UTC; scripts put them into the person's zone.
    """
    app.config.update(
        BABEL_DEFAULT_LOCALE="en",
        BABEL_DEFAULT_TIMEZONE="UTC",
        BABEL_TRANSLATION_DIRECTORIES=str(catalogues),
    )
    languages = ["en", *(file.parts[-3] for file in catalogues.glob("*/LC_MESSAGES/*.mo"))]
    flask_babel.Babel(
        app, locale_selector=lambda: request.accept_languages.best_match(languages) or "en"
    )


def _(text: str, **values: object) -> str:
    """`text` in the person's language, with `%(name)s` filled in."""
    return str(flask_babel.gettext(text, **values))


def ngettext(one: str, many: str, num: int) -> str:
    """The form that the language has for `num` things; `%(num)s` is filled in."""
    return str(flask_babel.ngettext(one, many, num))


def lazy_gettext(text: str) -> Any:
    """`text` for a table made at import: it takes its language when it is turned into str."""
    return flask_babel.lazy_gettext(text)


def language() -> str:
    """The language of this request, for `<html lang>`."""
    return str(flask_babel.get_locale() or "en")
