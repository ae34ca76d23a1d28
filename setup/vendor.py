"""`python3 -m setup.vendor`: the browser's modules from npm into static/vendor.

IronRDP's module carries its WebAssembly as text inside the JavaScript. It is taken out here: a
file of its own is a quarter smaller, compiles while it arrives, and the browser keeps the compiled
code. What is prepared is kept in the cache under the hash of what it is made from, so that a
second checkout needs no network.
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
#: What shows the API's document; nothing else of its package is served.
REFERENCE = {
    "swagger-ui.js": Path("swagger-ui-dist/swagger-ui-bundle.js"),
    "swagger-ui.css": Path("swagger-ui-dist/swagger-ui.css"),
}
SOURCE_MAP = re.compile(r"(//|/\*)# sourceMappingURL=\S+( \*/)?\s*\Z")
MANIFEST = "manifest.json"
NETWORK_HINT = "Look at npm's configuration (npm config list) and the network, then run this again."
#: Where wasm-bindgen's loader has the WebAssembly as text.
INLINED = re.compile(r'"data:application/wasm;base64,([A-Za-z0-9+/=]+)"')
#: Node's own brotli at its best; gzip is for browsers that take brotli over TLS only.
BROTLI = """
const { readFileSync, writeFileSync } = require("node:fs");
const { brotliCompressSync, constants } = require("node:zlib");
for (const file of process.argv.slice(1)) {
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 22 };
  writeFileSync(file + ".br", brotliCompressSync(readFileSync(file), { params }));
}
"""


def is_current() -> bool:
    """Whether static/vendor holds what the lists name now."""
    stamp = VENDOR / ".made-from"
    return stamp.is_file() and stamp.read_text() == _key()


def usual_seconds() -> int:
    """How long `prepare` takes at most; Debian's npm, if it is missing, is 400 packages."""
    return 20 if shutil.which("npm") else 60


def prepare(log: Path) -> None:
    """Fill static/vendor from the cache, filling that first if it is new."""
    with readable_by_all():  # the web server's account reads them
        prepared = _filled_cache(log)
        fresh = VENDOR.with_name(f"vendor.{os.getpid()}")
        shutil.copytree(prepared, fresh)
        (fresh / ".made-from").write_text(_key())
        shutil.rmtree(VENDOR, ignore_errors=True)
        fresh.rename(VENDOR)


def split(module: str) -> tuple[str, bytes]:
    """The JavaScript that loads `WASM_FILE` from beside it, and the WebAssembly itself."""
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
    """The prepared files for these lists; the folder gets its name only when it is complete."""
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
            if not ready.is_dir():  # else another run filled it meanwhile
                raise
    return ready


def _download(folder: Path, log: Path) -> Path:
    """What npm has, as node_modules; the lock file's integrity is checked by npm."""
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
    """Copied without the mention of a map that is not served; the name that it gets."""
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
