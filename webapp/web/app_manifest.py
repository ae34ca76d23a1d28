"""The web app manifest, to install the portal as an app: name, icons, colours and start page.

Available without a sign-in, because browsers fetch it without cookies. The window keeps its frame:
most pages need it, and the desktop viewer has a full-screen button.
"""

import json
from datetime import timedelta

from flask import Blueprint, Response, url_for

from webapp.http.access import anyone
from webapp.web.language import _, language

blueprint = Blueprint("app_manifest", __name__)

#: The window's frame has the colour of the page header: --surface and --page of tokens.css.
FRAME = {"light": "#ffffff", "dark": "#181b1f"}
PAGE = "#f7f7f5"
#: An outdated manifest still works, as the old icon addresses do.
KEPT_FOR = timedelta(hours=1)


@blueprint.app_template_global()
def frame_colours() -> dict[str, str]:
    """Return the colour of the window's frame for the light and the dark theme."""
    return FRAME


@blueprint.get("/app.webmanifest")
@anyone
def show() -> Response:
    """Return the manifest in the browser's language."""
    response = Response(json.dumps(_manifest()), content_type="application/manifest+json")
    response.cache_control.public = True
    response.cache_control.max_age = int(KEPT_FOR.total_seconds())
    response.vary.add("Accept-Language")
    return response


def _manifest() -> dict[str, object]:
    home = url_for("home.show")
    return {
        "id": home,
        "name": "Winux",
        "short_name": "Winux",
        "description": _("Winux: desktops when you need them"),
        "lang": language(),
        "start_url": home,
        "scope": home,
        "display": "standalone",
        "theme_color": FRAME["light"],
        "background_color": PAGE,
        "icons": [
            _icon("favicon.svg", "any", "image/svg+xml"),
            _icon("icon-192.png", "192x192"),
            _icon("icon-512.png", "512x512"),
            _icon("icon-maskable-512.png", "512x512") | {"purpose": "maskable"},
        ],
        "shortcuts": [
            {
                "name": _("My desktops"),
                "url": url_for("history.show"),
                "icons": [_icon("icon-192.png", "192x192")],
            }
        ],
    }


def _icon(name: str, sizes: str, kind: str = "image/png") -> dict[str, str]:
    return {"src": url_for("static", filename=f"img/{name}"), "sizes": sizes, "type": kind}
