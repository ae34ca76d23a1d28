"""The third-party modules in static/vendor: precompressed, named by content, cached for ever.

setup/vendor.py creates the folder and its manifest.
"""

import json
import mimetypes
from collections.abc import Callable
from functools import cache
from pathlib import Path

from flask import Blueprint, Response, abort, request, send_from_directory, url_for

from webapp.config import ROOT
from webapp.domain.errors import OutsideFailed
from webapp.http.access import anyone
from webapp.web.assets import FOREVER

blueprint = Blueprint("vendor", __name__, url_prefix="/vendor")

FOLDER = ROOT / "static/vendor"
#: The files of the desktop viewer.
VIEWER = ("rdp.js", "rdp.wasm")
#: Encodings and their file suffixes, best first.
ENCODINGS = {"br": ".br", "gzip": ".gz"}


def vendor_url(name: str) -> str:
    """Return the URL of a module by its name in the manifest, such as `rdp.wasm`.

    Raises OutsideFailed if set-up has not installed it.
    """
    file = manifest().get(name)
    if file is None:
        raise OutsideFailed(
            f"This portal was set up without the browser's part {name}.",
            retry=False,
            what_to_do="The people who run it make it with: python3 -m setup.vendor",
        )
    return url_for("vendor.file", name=file)


@blueprint.app_template_global()
def viewer_files() -> list[str]:
    """Return the files that a desktop's page prefetches for *Open in browser*."""
    files = manifest()
    return [url_for("vendor.file", name=files[name]) for name in VIEWER if name in files]


@blueprint.get("/<name>")
@anyone
def file(name: str) -> Response:
    """Return one file in the best encoding that the browser accepts."""
    if name not in manifest().values():
        abort(404)
    encoding = request.accept_encodings.best_match(
        [code for code, suffix in ENCODINGS.items() if (FOLDER / f"{name}{suffix}").exists()]
    )
    packed = f"{name}{ENCODINGS[encoding]}" if encoding else name
    response = send_from_directory(FOLDER, packed, mimetype=_type(name), etag=False)
    if encoding:
        response.headers["Content-Encoding"] = encoding
    response.headers["Cache-Control"] = FOREVER
    response.vary.add("Accept-Encoding")
    return response


def manifest() -> dict[str, str]:
    """Return the file of each name in the manifest; empty if set-up has not created it."""
    path = FOLDER / "manifest.json"
    return _manifest(path, path.stat().st_mtime_ns) if path.exists() else {}


@cache
def _manifest(path: Path, _changed: int) -> dict[str, str]:
    read: Callable[[str], dict[str, str]] = json.loads
    return read(path.read_text())


def _type(name: str) -> str:
    # instantiateStreaming requires exactly this type
    return "application/wasm" if name.endswith(".wasm") else mimetypes.guess_type(name)[0] or ""
