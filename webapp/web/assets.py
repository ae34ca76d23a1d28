"""The static files, under a URL that changes with their content.

Modules import each other by relative paths, so the content hash ("mark") is a folder of the URL.
All files of a release share one mark, and browsers may cache them for ever.
"""

import hashlib
from pathlib import Path
from typing import Any

from flask import Flask, Response, send_from_directory, url_for

from webapp.config import ROOT
from webapp.http.access import anyone

STATIC = ROOT / "static"
FOREVER = "public, max-age=31536000, immutable"


def init_assets(app: Flask) -> None:
    """Serve the files and provide `asset()` to the templates."""
    current = mark_of(STATIC)

    @app.get("/static/<mark>/<path:filename>", endpoint="static")
    @anyone
    def static(mark: str, filename: str) -> Response:
        response = send_from_directory(STATIC, filename)
        # A page of an older release gets the current files, but must not cache them under its URL.
        response.headers["Cache-Control"] = FOREVER if mark == current else "no-cache"
        return response

    @app.url_defaults
    def add_mark(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static":
            values.setdefault("mark", current)

    @app.template_global()
    def asset(path: str) -> str:
        return url_for("static", filename=path)


def mark_of(folder: Path) -> str:
    """Return a short hash of the names and contents of all files in `folder`."""
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            digest.update(f"{file.relative_to(folder)}\0".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()[:10]
