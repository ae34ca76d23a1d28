"""The doors of connections, in people's words."""

from webapp.domain.connections.target import Door
from webapp.web.language import lazy_gettext

DOORS = {Door.BROWSER_VIEW: lazy_gettext("in the browser")}
