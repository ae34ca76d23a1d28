"""`python3 -m setup.vendor`: the browser's modules from npm into static/vendor.

IronRDP's module carries its WebAssembly as text inside the JavaScript. This module extracts it: a
separate file is a quarter smaller, compiles while it loads, and the browser caches the compiled
code. Prepared files are cached under the hash of their sources, so that a second checkout needs no
network.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

from setup import packages
from setup.commands import run_logged
from setup.environment import content_key
from setup.failure import SetupFailed
from setup.ownership import READABLE, readable_by_all
from setup.settings import CHECKOUT, cache_dir

VENDOR = CHECKOUT / "static/vendor"
LISTS = (CHECKOUT / "package.json", CHECKOUT / "package-lock.json")
MODULE = Path("@devolutions/iron-remote-desktop-rdp/iron-remote-desktop-rdp.js")
#: The viewer of the API document; other files of its package are not served.
REFERENCE = {
    "swagger-ui.js": Path("swagger-ui-dist/swagger-ui-bundle.js"),
    "swagger-ui.css": Path("swagger-ui-dist/swagger-ui.css"),
}
SOURCE_MAP = re.compile(r"(//|/\*)# sourceMappingURL=\S+( \*/)?\s*\Z")
MANIFEST = "manifest.json"
NETWORK_HINT = "Look at npm's configuration (npm config list) and the network, then run this again."
#: The place of the WebAssembly text in wasm-bindgen's loader.
INLINED = re.compile(r'"data:application/wasm;base64,([A-Za-z0-9+/=]+)"')
#: Node's own brotli at its maximum level; gzip is for clients that accept brotli only over TLS.
BROTLI = """
const { readFileSync, writeFileSync } = require("node:fs");
const { brotliCompressSync, constants } = require("node:zlib");
for (const file of process.argv.slice(1)) {
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 22 };
  writeFileSync(file + ".br", brotliCompressSync(readFileSync(file), { params }));
}
"""


def is_current() -> bool:
    """Whether static/vendor matches the current lists."""
    stamp = VENDOR / ".made-from"
    return stamp.is_file() and stamp.read_text() == _key()


def usual_seconds() -> int:
    """Return the maximum usual duration of `prepare`; Debian's npm, if missing, is 400 packages."""
    return 20 if shutil.which("npm") else 60


def prepare(log: Path) -> None:
    """Fill static/vendor from the cache; fill the cache first if it is new."""
    with readable_by_all():  # the web server's account reads them
        prepared = _filled_cache(log)
        fresh = VENDOR.with_name(f"vendor.{os.getpid()}")
        shutil.copytree(prepared, fresh)
        (fresh / ".made-from").write_text(_key())
        shutil.rmtree(VENDOR, ignore_errors=True)
        fresh.rename(VENDOR)


def split(module: str) -> tuple[str, bytes]:
    """Return the JavaScript that loads `WASM_FILE` from its own folder, and the WebAssembly."""
    found = INLINED.search(module)
    if found is None:
        raise SetupFailed(
            "The IronRDP module does not carry its WebAssembly where it is looked for.",
            "Use the versions of package-lock.json, or mend setup/vendor.py for the new ones.",
        )
    loader = module.replace(found[0], 'new URL("WASM_FILE", import.meta.url)', 1)
    return loader, base64.b64decode(found[1])


def _key() -> str:
    return content_key([*LISTS, Path(__file__)])


def _filled_cache(log: Path) -> Path:
    """Return the prepared files for these lists; the folder gets its name only when complete."""
    ready = cache_dir() / f"vendor-{_key()}"
    if ready.is_dir():
        return ready
    cache_dir().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache_dir(), prefix="vendor.") as work:
        filling = Path(work) / "ready"
        filling.mkdir()
        _make(_download(Path(work), log), filling, log)
        try:
            filling.rename(ready)
        except OSError:
            if not ready.is_dir():  # otherwise another run filled it in the meantime
                raise
    return ready


def _download(folder: Path, log: Path) -> Path:
    """Download node_modules with npm, which checks the lock file's integrity hashes."""
    if not shutil.which("npm"):
        packages.install_packages(["npm"], log)
    for file in LISTS:
        shutil.copy(file, folder)
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    run_logged(["npm", "ci", "--prefix", folder, *quiet], log, NETWORK_HINT, umask=READABLE)
    return folder / "node_modules"


def _make(modules: Path, folder: Path, log: Path) -> None:
    manifest = _rdp(modules / MODULE, folder) | {
        name: _reference(modules / source, folder) for name, source in REFERENCE.items()
    }
    files = [folder / name for name in manifest.values()]
    for file in files:
        packed = gzip.compress(file.read_bytes(), 9, mtime=0)
        file.with_name(f"{file.name}.gz").write_bytes(packed)
    run_logged(
        ["node", "-e", BROTLI, *files], log, "Is Node.js 12 or newer installed?", umask=READABLE
    )
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")


def _rdp(module: Path, folder: Path) -> dict[str, str]:
    loader, wasm = split(module.read_text())
    wasm_file = _named(module.stem, wasm, "wasm")
    loader = loader.replace("WASM_FILE", wasm_file, 1)
    loader_file = _named(module.stem, loader.encode(), "js")
    (folder / wasm_file).write_bytes(wasm)
    (folder / loader_file).write_text(loader)
    return {"rdp.js": loader_file, "rdp.wasm": wasm_file}


def _reference(source: Path, folder: Path) -> str:
    """Copy a file without its reference to a source map, which is not served; return its name."""
    text = SOURCE_MAP.sub("", source.read_text())
    name = _named(source.stem, text.encode(), source.suffix.removeprefix("."))
    (folder / name).write_text(text)
    return name


def _named(stem: str, content: bytes, suffix: str) -> str:
    return f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{suffix}"


if __name__ == "__main__":
    try:
        prepare(CHECKOUT / "var/logs/vendor.log")
    except SetupFailed as failure:
        sys.exit(f"{failure}")
