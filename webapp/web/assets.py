"""The static files' addresses: with a mark of their content, so that browsers may keep them."""

import hashlib
from functools import cache
from pathlib import Path

from flask import Flask, Response, request, url_for

#: For files asked for with their mark.
FOREVER = "public, max-age=31536000, immutable"


def init_assets(app: Flask) -> None:
    """Give the templates `asset()`. What modules import has no mark and is checked each time."""
    folder = Path(app.static_folder or "")

    @app.template_global()
    def asset(path: str) -> str:
        return url_for("static", filename=path, v=_mark(folder / path))

    @app.after_request
    def set_cache(response: Response) -> Response:
        if request.endpoint == "static" and response.status_code == 200:
            response.headers["Cache-Control"] = FOREVER if "v" in request.args else "no-cache"
        return response


@cache
def _mark(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:10]
