"""The password never reaches the browser, and only this page has additional permissions."""

import base64
import json

import pytest
from playwright.sync_api import Browser, Page, StorageState, WebSocket
from playwright.sync_api import Response as Answer

from bench.viewer import Viewer
from setup.page_client import PageClient
from tests.browser_desktop.conftest import Desktop
from tests.e2e.site import Site

pytestmark = [pytest.mark.lab, pytest.mark.browser, pytest.mark.view]


@pytest.fixture
def password(visitor: PageClient, desktop: Desktop) -> str:
    """The password as its owner reads it on the desktop's page, in another browser."""
    page = visitor.open(f"/desktops/{desktop.id}")
    form = page.form_to("/password")
    assert form
    return "".join(visitor.submit(form).texts_in("secret")).strip()


def forms_of(secret: str) -> list[bytes]:
    """A text in the encodings of the web and of RDP."""
    return [secret.encode(), secret.encode("utf-16-le"), base64.b64encode(secret.encode())[:-4]]


def test_the_password_is_in_no_page_answer_frame_or_memory(
    chromium: Browser, signed_in: StorageState, site: Site, desktop: Desktop, password: str
) -> None:
    assert len(password) >= 12
    context = chromium.new_context(storage_state=signed_in)
    seen: list[bytes] = []

    def hear(socket: WebSocket) -> None:
        for event in ("framesent", "framereceived"):
            socket.on(
                event, lambda data: seen.append(data.encode() if isinstance(data, str) else data)
            )

    def read(answer: Answer) -> None:
        seen.append(json.dumps(answer.headers).encode())
        if not answer.url.endswith(".wasm") and answer.status == 200:
            seen.append(answer.body())

    pages: list[Page] = []
    context.on(
        "page",
        lambda page: (pages.append(page), page.on("websocket", hear), page.on("response", read)),
    )
    page = Viewer(context, site.url).look_at(desktop.id)
    page.wait_for_timeout(2_000)
    seen.append(page.content().encode())
    seen += memory_of(page)
    assert sum(map(len, seen)) > 1_000_000
    assert b"desktopView" in b"".join(seen)
    for form in forms_of(password):
        assert not any(form in part for part in seen)
    context.close()


def memory_of(page: Page) -> list[bytes]:
    """The page's JavaScript heap, and the memory of its WebAssembly."""
    devtools = page.context.new_cdp_session(page)
    chunks: list[str] = []
    devtools.on("HeapProfiler.addHeapSnapshotChunk", lambda event: chunks.append(event["chunk"]))
    devtools.send("HeapProfiler.takeHeapSnapshot")
    prototype = devtools.send("Runtime.evaluate", {"expression": "WebAssembly.Memory.prototype"})
    objects = devtools.send(
        "Runtime.queryObjects", {"prototypeObjectId": prototype["result"]["objectId"]}
    )
    read = """function () {
      let text = "";
      for (const memory of this) {
        const bytes = new Uint8Array(memory.buffer);
        for (let at = 0; at < bytes.length; at += 0x8000) {
          text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
        }
      }
      return btoa(text);
    }"""
    called = devtools.send(
        "Runtime.callFunctionOn",
        {
            "objectId": objects["objects"]["objectId"],
            "functionDeclaration": read,
            "returnByValue": True,
        },
    )
    memory = base64.b64decode(called["result"]["value"])
    assert len(memory) > 1_000_000, "the memory of the WebAssembly was not found"
    return ["".join(chunks).encode(), memory]


def test_only_this_page_may_run_webassembly_and_reach_the_gateway(
    visitor: PageClient, site: Site, view: Page, desktop: Desktop
) -> None:
    answer = view.request.get(f"{site.url}/desktops/{desktop.id}/view")
    policy = answer.headers["content-security-policy"]
    directives = dict(part.split(" ", 1) for part in policy.split("; "))
    gateway = f"127.0.0.1:{site.settings.gateway_port}"
    assert directives == {
        "default-src": "'none'",
        "script-src": "'self' 'wasm-unsafe-eval'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": f"'self' ws://{gateway} http://{gateway}",
        "manifest-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    other = view.request.get(f"{site.url}/desktops/{desktop.id}").headers["content-security-policy"]
    assert "wasm" not in other
    assert gateway not in other


def test_nothing_comes_from_elsewhere(view: Page, site: Site) -> None:
    loaded = view.evaluate("performance.getEntriesByType('resource').map(({ name }) => name)")
    homes = (site.url, f"http://127.0.0.1:{site.settings.gateway_port}/gateway/ping")
    assert [name for name in loaded if not name.startswith(homes)] == []


def test_the_webassembly_is_small_on_the_way_and_kept_for_ever(view: Page, site: Site) -> None:
    url = view.evaluate("document.querySelector('link[rel=preload]').href")
    for accepted, encoding, most in (("br, gzip", "br", 1.3e6), ("gzip", "gzip", 1.7e6)):
        answer = view.request.get(url, headers={"Accept-Encoding": accepted})
        assert answer.headers["content-encoding"] == encoding
        assert answer.headers["content-type"] == "application/wasm"
        assert int(answer.headers["content-length"]) < most
        assert "immutable" in answer.headers["cache-control"]
        assert "Accept-Encoding" in answer.headers["vary"]
    assert view.request.get(f"{site.url}/vendor/manifest.json").status == 404
    assert view.request.get(f"{site.url}/vendor/..%2f..%2fwsgi.py").status == 404
