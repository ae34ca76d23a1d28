"""The URLs at which browsers and programs reach the portal, its gateway and its events."""

from urllib.parse import urlsplit

from webapp.domain.origins import normal_origin, split_url
from webapp.settings.reader import BadConfig, Reader

GATEWAY_PATH = "/gateway/rdp"


def public_url(read: Reader) -> str:
    return _origin(read, "WINUX_PUBLIC_URL")


def _origin(read: Reader, name: str) -> str:
    """Returns scheme, host and optional port, as browsers send them; empty if not set."""
    takes = "a scheme and host, such as https://desktops.example.org"
    parts = read.url(name, takes, ("http", "https"))
    if parts is None:
        return ""
    if parts.path not in ("", "/"):
        raise BadConfig(f"{name} is {read.text(name)!r}; it takes {takes}, without a path.")
    return f"{parts.scheme}://{parts.netloc}"


def api_origins(read: Reader) -> frozenset[str]:
    origins = read.text("WINUX_API_ORIGINS").replace(",", " ").split()
    return frozenset(_api_origin(text) for text in origins)


def _api_origin(text: str) -> str:
    try:
        parts = split_url(text)
        if parts.scheme not in {"http", "https"} or text.rstrip("/").count("/") != 2:
            raise ValueError("it is not an origin")
        return normal_origin(parts)
    except ValueError as error:
        raise BadConfig(
            f"WINUX_API_ORIGINS has {text!r}: {error}; an origin is a scheme, a host and perhaps "
            "a port, such as https://courses.example.org."
        ) from error


def gateway_listen(read: Reader) -> tuple[str, int]:
    text = read.text("WINUX_GATEWAY_LISTEN")
    host, _, port = text.rpartition(":")
    if not (host and port.isascii() and port.isdigit() and int(port[:6]) <= 65_535):
        raise BadConfig(
            f"WINUX_GATEWAY_LISTEN is {text!r}; it takes an address and a port, "
            "such as 127.0.0.1:8081."
        )
    return host.strip("[]"), int(port)


def gateway_url(read: Reader) -> str:
    """Returns the setting; by default the public host (https), or the gateway's own port (http)."""
    takes = (
        f"ws:// or wss://, a host and {GATEWAY_PATH}, "
        f"such as wss://desktops.example.org{GATEWAY_PATH}"
    )
    public = urlsplit(public_url(read))
    parts = read.url("WINUX_GATEWAY_URL", takes, ("ws", "wss"))
    if parts is None:
        if public.scheme == "https":
            return f"wss://{public.netloc}{GATEWAY_PATH}"
        host = f"[{public.hostname}]" if ":" in (public.hostname or "") else public.hostname
        return f"ws://{host}:{gateway_listen(read)[1]}{GATEWAY_PATH}"
    if parts.path != GATEWAY_PATH:
        raise BadConfig(f"WINUX_GATEWAY_URL is {parts.geturl()!r}; it takes {takes}.")
    if public.scheme == "https" and parts.scheme != "wss":
        raise BadConfig("WINUX_GATEWAY_URL must begin with wss:// when WINUX_PUBLIC_URL is https.")
    return f"{parts.scheme}://{parts.netloc}{GATEWAY_PATH}"


def events_url(read: Reader) -> str:
    """Returns the setting; by default the origin of the gateway's URL."""
    url = _origin(read, "WINUX_EVENTS_URL")
    if not url:
        gateway = urlsplit(gateway_url(read))
        return f"{'https' if gateway.scheme == 'wss' else 'http'}://{gateway.netloc}"
    if public_url(read).startswith("https:") and not url.startswith("https:"):
        raise BadConfig("WINUX_EVENTS_URL must begin with https:// when WINUX_PUBLIC_URL does.")
    return url
