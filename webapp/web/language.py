"""The language of the pages: the browser's preference among the available ones."""

from gettext import NullTranslations
from pathlib import Path
from typing import Any

import flask_babel
from flask import Flask, request

from webapp.config import ROOT

CATALOGUES = ROOT / "translations"


def init_language(app: Flask, catalogues: Path = CATALOGUES) -> None:
    """Set up Babel with English and the languages in `catalogues`.

    Times are rendered in UTC; scripts convert them to the person's time zone.
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
    """Return `text` in the person's language, with `%(name)s` filled in."""
    return str(flask_babel.gettext(text, **values))


def ngettext(one: str, many: str, num: int) -> str:
    """Return the language's plural form for `num`, with `%(num)s` filled in."""
    return str(flask_babel.ngettext(one, many, num))


def lazy_gettext(text: str) -> Any:
    """Return `text` for a table made at import; it is translated when converted to str."""
    return flask_babel.lazy_gettext(text)


def catalogue() -> NullTranslations:
    """Return the translations for the person's language; those of English change nothing."""
    translations: NullTranslations = flask_babel.get_translations()
    return translations


def language() -> str:
    """Return the language of this request, for `<html lang>`."""
    return str(flask_babel.get_locale() or "en")
