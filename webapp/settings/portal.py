"""The portal's own settings that need more than parsing a number or a word."""

import base64
import re
from ipaddress import ip_network
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

from webapp.domain.desktops.host_names import parse_domain
from webapp.domain.webhooks.rules import Network
from webapp.settings.reader import BadConfig, Reader


def metrics_token(read: Reader) -> str:
    token = read.text("WINUX_METRICS_TOKEN") and read.secret("WINUX_METRICS_TOKEN", 16)
    return token and read.word("WINUX_METRICS_TOKEN", r"[!-~]+", "letters, digits and signs")


def desktop_domain(read: Reader) -> str:
    text = read.text("WINUX_DESKTOP_DOMAIN")
    try:
        return parse_domain(text) if text else ""
    except ValueError as error:
        raise BadConfig(
            f"WINUX_DESKTOP_DOMAIN is {text!r}; it takes the DNS name of a domain, such as "
            "desks.example.org: without `*.`, and with xn-- for letters that are not ASCII."
        ) from error


def hosts_file(read: Reader) -> Path | None:
    if not read.text("WINUX_HOSTS_FILE"):
        return None
    if not read.text("WINUX_DESKTOP_DOMAIN"):
        raise BadConfig(
            "WINUX_HOSTS_FILE is set, but desktops have no names: set WINUX_DESKTOP_DOMAIN as well."
        )
    return read.path("WINUX_HOSTS_FILE")


def webhook_networks(read: Reader) -> tuple[Network, ...]:
    text = read.text("WINUX_WEBHOOK_NETWORKS")
    try:
        return tuple(ip_network(part) for part in text.replace(",", " ").split())
    except ValueError as error:
        raise BadConfig(
            f"WINUX_WEBHOOK_NETWORKS is {text!r}; it takes networks such as 10.1.0.0/16, with "
            f"commas between ({error})."
        ) from error


def database_url(read: Reader) -> str:
    url = read.text("WINUX_DATABASE_URL")
    if not url.startswith(("sqlite:///", "postgresql+psycopg://")):
        raise BadConfig(
            "WINUX_DATABASE_URL must begin with sqlite:/// or postgresql+psycopg://, "
            f"not {url.split(':', 1)[0]!r}."
        )
    sqlite, _, path = url.partition("sqlite:///")
    if not sqlite and not (path.startswith("/") and not path.endswith("/")):
        raise BadConfig(
            "WINUX_DATABASE_URL must name a file by its absolute path, with four slashes in all: "
            f"sqlite:////var/lib/winux/winux.db, not {url!r}. Otherwise each process would have a "
            "database of its own."
        )
    return url


def encryption_key(read: Reader) -> str:
    key = read.text("WINUX_ENCRYPTION_KEY")
    try:
        raw = base64.urlsafe_b64decode(key)
    except ValueError:
        raw = b""
    if len(raw) != 32:
        raise BadConfig(
            "WINUX_ENCRYPTION_KEY must be 32 random bytes in URL-safe base64; make one with: "
            "head -c 32 /dev/urandom | base64 | tr +/ -_"
        )
    return key


def portal_id(read: Reader) -> str:
    name = read.text("WINUX_PORTAL_ID")
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?", name):
        raise BadConfig(
            f"WINUX_PORTAL_ID is {name!r}; it takes 1 to 32 small letters, digits and -, and "
            "begins and ends with a letter or digit. It marks this portal's containers, so never "
            "change it while desktops run."
        )
    return name


def time_zone(read: Reader) -> ZoneInfo:
    name = read.text("WINUX_TIME_ZONE")
    if name not in available_timezones():
        raise BadConfig(
            f"WINUX_TIME_ZONE is {name!r}; it takes a name of the time zone database, "
            "such as Europe/Paris."
        )
    return ZoneInfo(name)
