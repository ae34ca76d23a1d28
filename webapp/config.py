"""The settings: read once from the environment and the settings file into one frozen `Config`.

`NAME_FILE` may name a file that holds the value of a secret `NAME`. A wrong value stops the start
and says how to mend it. Every setting is described in docs/admin/settings.md (a test compares).
"""

import base64
import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import AddressValueError, IPv4Address, IPv4Network, ip_network
from pathlib import Path
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo, available_timezones

from webapp import env_file
from webapp.domain.addresses import AddressPool
from webapp.domain.launch_rate import LaunchRate
from webapp.domain.origins import normal_host, normal_origin, split_url
from webapp.domain.webhooks import Network

ROOT = Path(__file__).resolve().parent.parent
GATEWAY_PATH = "/gateway/rdp"


class BadConfig(ValueError):
    """A setting is missing or wrong; the text names it, says why, and how to mend it."""


@dataclass(frozen=True)
class ProxmoxConfig:
    """Where the Proxmox VE API (or the lab node) is and how to sign in to it."""

    host: str
    port: int
    user: str
    token_id: str
    token_secret: str
    node: str
    ca_file: Path | None
    """The certificate authority to trust; None: the system's own store."""
    pool: str
    storage: str
    bridge: str

    @property
    def where(self) -> str:
        """Host and port, an IPv6 address in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Config:
    """All settings of one portal."""

    database_url: str
    secret_key: str
    encryption_key: str
    portal_id: str
    public_url: str
    trusted_proxies: int
    api_origins: frozenset[str]
    """Whose pages may use the API with a key, such as https://courses.example.org."""
    proxmox: ProxmoxConfig
    addresses: AddressPool
    vmid_first: int
    vmid_last: int
    max_desktops: int
    max_desktops_total: int
    launch_rate: LaunchRate
    """How often one person may launch."""
    reserve_percent: int
    """What is kept of places, VM ids and addresses for people who have no desktop."""
    gateway_listen: tuple[str, int]
    """Host and port that the gateway binds."""
    gateway_url: str
    """Where browsers reach it (ws:// or wss://)."""
    gateway_max_connections: int
    gateway_max_listeners: int
    """Those who follow events, of one gateway process."""
    events_url: str
    """Scheme and host under which programs reach the gateways' events."""
    metrics_token: str
    """What Prometheus must show to read /metrics; empty: there is no such page."""
    max_connections: int
    """Per person, to different desktops."""
    idle_minutes: int
    time_zone: ZoneInfo
    """In which the schedules of the pools are meant."""
    webhook_networks: tuple[Network, ...]
    """Networks that are not public but that webhooks may go to."""
    sign_in_idle: timedelta
    sign_in_longest: timedelta
    fresh_sign_in: timedelta
    """How long a typed password counts for what needs it again, such as a new key."""
    audit_kept: timedelta
    """How long entries of the audit log are kept; zero: for ever."""
    key_life: timedelta
    """Of a new API key for which nothing else is chosen; zero: until it is revoked."""
    worker_slots: int
    clones_per_storage: int
    stale_lock: timedelta
    """After so long a lock with no task at work on it counts as left behind."""
    template_keep: timedelta
    """How long the container of an old template version is kept; zero: for ever."""
    node_reserve_mb: int
    """Memory of each node that desktops leave alone."""
    refuses_when_full: bool
    """Launches beyond the nodes' memory are refused; else they wait."""
    build_timeout: timedelta
    destroy_timeout: timedelta
    lease: timedelta
    reconcile_every: timedelta
    quarantine: timedelta
    run_dir: Path
    secrets_dir: Path
    guest_key_file: Path
    inventory: Path
    playbooks_dir: Path

    @property
    def is_https(self) -> bool:
        return self.public_url.startswith("https:")

    @property
    def cookie_name(self) -> str:
        """Of the cookie that says who is signed in."""
        return "__Host-winux" if self.is_https else "winux"

    @property
    def look_cookie_name(self) -> str:
        """Of the cookie with the colours that were chosen."""
        return "__Host-winux-look" if self.is_https else "winux-look"

    @property
    def device_cookie_name(self) -> str:
        """Of the cookie that says who has signed in with this browser before."""
        return "__Host-winux-device" if self.is_https else "winux-device"

    @property
    def vmids(self) -> range:
        return range(self.vmid_first, self.vmid_last + 1)


#: Every setting: its default (None: must be set) and, for docs, what it is.
SETTINGS: dict[str, str | None] = {
    "WINUX_DATABASE_URL": f"sqlite:///{ROOT / 'var' / 'winux.db'}",
    "WINUX_SECRET_KEY": None,
    "WINUX_ENCRYPTION_KEY": None,
    "WINUX_PORTAL_ID": None,
    "WINUX_PUBLIC_URL": "http://127.0.0.1:8080",
    "WINUX_TRUSTED_PROXIES": "0",
    "WINUX_API_ORIGINS": "",
    "WINUX_NETWORK": "10.203.0.0/24",
    "WINUX_ADDRESS_FIRST": "",
    "WINUX_ADDRESS_LAST": "",
    "WINUX_GATEWAY": "",
    "WINUX_VMID_FIRST": "30001",
    "WINUX_VMID_LAST": "30999",
    "WINUX_MAX_DESKTOPS": "3",
    "WINUX_MAX_DESKTOPS_TOTAL": "200",
    "WINUX_LAUNCH_BURST": "10",
    "WINUX_LAUNCHES_PER_HOUR": "60",
    "WINUX_RESERVE_PERCENT": "10",
    "WINUX_GATEWAY_LISTEN": "127.0.0.1:8081",
    "WINUX_GATEWAY_URL": "",
    "WINUX_GATEWAY_MAX_CONNECTIONS": "500",
    "WINUX_GATEWAY_MAX_LISTENERS": "1000",
    "WINUX_EVENTS_URL": "",
    "WINUX_METRICS_TOKEN": "",
    "WINUX_MAX_CONNECTIONS": "10",
    "WINUX_IDLE_MINUTES": "60",
    "WINUX_TIME_ZONE": "UTC",
    "WINUX_WEBHOOK_NETWORKS": "",
    "WINUX_SIGN_IN_IDLE_MINUTES": "720",
    "WINUX_SIGN_IN_LONGEST_MINUTES": "10080",
    "WINUX_FRESH_SIGN_IN_MINUTES": "10",
    "WINUX_KEY_DAYS": "90",
    "WINUX_AUDIT_DAYS": "365",
    "WINUX_WORKER_SLOTS": "2",
    "WINUX_CLONES_PER_STORAGE": "2",
    "WINUX_STALE_LOCK_SECONDS": "300",
    "WINUX_TEMPLATE_KEEP_HOURS": "24",
    "WINUX_NODE_RESERVE_MB": "512",
    "WINUX_WHEN_FULL": "wait",
    "WINUX_BUILD_TIMEOUT_SECONDS": "300",
    "WINUX_DESTROY_TIMEOUT_SECONDS": "180",
    "WINUX_LEASE_SECONDS": "60",
    "WINUX_RECONCILE_SECONDS": "60",
    "WINUX_QUARANTINE_SECONDS": "120",
    "WINUX_RUN_DIR": str(ROOT / "var" / "run"),
    "WINUX_SECRETS_DIR": "/dev/shm",  # noqa: S108 (a tmpfs on purpose: secrets never reach a disk)
    "WINUX_GUEST_KEY_FILE": str(ROOT / "var" / "guest_key"),
    "WINUX_INVENTORY": str(ROOT / "inventory" / "lab"),
    "WINUX_PLAYBOOKS_DIR": str(ROOT / "playbooks"),
    "proxmox_api_host": None,
    "proxmox_api_port": "8006",
    "proxmox_api_user": None,
    "proxmox_api_token_id": None,
    "proxmox_api_token_secret": None,
    "proxmox_node": None,
    "proxmox_ca_file": "",
    "proxmox_pool": "winux",
    "proxmox_storage": None,
    "proxmox_bridge": None,
}

#: Settings that may come from a file named by NAME_FILE.
SECRETS = frozenset(
    {
        "WINUX_SECRET_KEY",
        "WINUX_ENCRYPTION_KEY",
        "WINUX_METRICS_TOKEN",
        "proxmox_api_token_secret",
    }
)

#: What a settings file may set beside these, for the playbooks alone.
ALSO_IN_FILE = frozenset({"WINUX_CACHE_DIR", "proxmox_template_storage"})


class Reader:
    """Reads single settings of an environment, each with a clear error."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def text(self, name: str) -> str:
        if name in SECRETS and (file := self._environment.get(f"{name}_FILE", "").strip()):
            return _clean(f"{name}_FILE", self._file(name, _path(file)))
        value = _clean(name, self._environment.get(name, "")) or SETTINGS[name]
        if value is None:
            also = f" (or {name}_FILE to a file that holds it)" if name in SECRETS else ""
            raise BadConfig(
                f"{name} is not set; set it{also} in the environment or in {env_file.OF_MACHINE}. "
                "See docs/admin/settings.md."
            )
        return value

    def secret(self, name: str, shortest: int) -> str:
        value = self.text(name)
        if len(value) < shortest:
            raise BadConfig(f"{name} is too short; it needs at least {shortest} characters.")
        return value

    def number(self, name: str, lowest: int, highest: int) -> int:
        text = self.text(name)
        if not (text.isascii() and text.isdigit() and lowest <= int(text[:12]) <= highest):
            raise BadConfig(f"{name} is {text!r}; it takes a number from {lowest} to {highest}.")
        return int(text)

    def choice(self, name: str, words: Sequence[str]) -> str:
        text = self.text(name)
        if text not in words:
            raise BadConfig(f"{name} is {text!r}; it takes one of: {', '.join(words)}.")
        return text

    def seconds(self, name: str, lowest: int = 1, highest: int = 86_400) -> timedelta:
        return timedelta(seconds=self.number(name, lowest, highest))

    def minutes(self, name: str) -> timedelta:
        return timedelta(minutes=self.number(name, 1, 525_600))

    def path(self, name: str) -> Path:
        return _path(self.text(name))

    def word(self, name: str, pattern: str, takes: str) -> str:
        """A value that matches all of `pattern`; `takes` says in words what that is."""
        text = self.text(name)
        if text and not re.fullmatch(pattern, text):
            wrong = "has a character that it cannot have" if name in SECRETS else f"is {text!r}"
            raise BadConfig(f"{name} {wrong}; it takes {takes}.")
        return text

    def url(self, name: str, takes: str, schemes: Sequence[str]) -> SplitResult | None:
        """A URL with one of these schemes, its host and port as browsers write them, or None."""
        text = self.text(name)
        if not text:
            return None
        try:
            parts = split_url(text)
            if parts.scheme not in schemes or not parts.hostname or parts.query or parts.fragment:
                raise ValueError("that is something else")
            origin = urlsplit(normal_origin(parts))
        except ValueError as error:
            raise BadConfig(f"{name} is {text!r}: {error}; it takes {takes}.") from error
        return parts._replace(netloc=origin.netloc)

    def _file(self, name: str, file: Path) -> str:
        try:
            text = file.read_text("utf-8-sig").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise BadConfig(f"{name}_FILE names {file}, which cannot be read: {error}") from error
        if not text:
            raise BadConfig(f"{name}_FILE names {file}, which is empty.")
        return text


def _clean(name: str, text: str) -> str:
    """Without what surrounds a pasted value; refuses what would become part of it unseen."""
    value = text.strip("\ufeff \t\r\n\u00a0")
    if not value.isprintable():
        raise BadConfig(f"{name} has a line break or an invisible character in it; remove that.")
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"`":
        raise BadConfig(f"{name} has quotation marks around its value; leave them out.")
    return value


def _path(text: str) -> Path:
    """A path; a relative one counts from the checkout, whatever folder a process starts in."""
    return ROOT / Path(text).expanduser()


def load_with_file(environment: Mapping[str, str]) -> Config:
    """The configuration in `environment` and, below it, the settings file. Raises BadConfig."""
    try:
        settings = env_file.read(environment, ROOT)
    except env_file.BadEnvFile as error:
        raise BadConfig(str(error)) from error
    known = {*SETTINGS, *(f"{name}_FILE" for name in SECRETS), *ALSO_IN_FILE}
    for name in settings.keys() - known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise BadConfig(f"{env_file.place(environment, ROOT)}: there is no setting {name}.{hint}")
    return load(env_file.below(environment, settings))


def load(environment: Mapping[str, str]) -> Config:
    """The configuration in `environment`. Raises BadConfig at the first wrong value."""
    read = Reader(environment)
    vmid_first = read.number("WINUX_VMID_FIRST", 100, 999_999_999)
    return Config(
        database_url=_database_url(read),
        secret_key=read.secret("WINUX_SECRET_KEY", shortest=32),
        encryption_key=_encryption_key(read),
        portal_id=_portal_id(read),
        public_url=_public_url(read),
        trusted_proxies=read.number("WINUX_TRUSTED_PROXIES", 0, 5),
        api_origins=_api_origins(read),
        proxmox=_proxmox(read),
        addresses=_addresses(read),
        vmid_first=vmid_first,
        vmid_last=read.number("WINUX_VMID_LAST", vmid_first, 999_999_999),
        max_desktops=read.number("WINUX_MAX_DESKTOPS", 0, 1000),
        max_desktops_total=read.number("WINUX_MAX_DESKTOPS_TOTAL", 0, 100_000),
        launch_rate=LaunchRate(
            burst=read.number("WINUX_LAUNCH_BURST", 1, 1000),
            per_hour=read.number("WINUX_LAUNCHES_PER_HOUR", 1, 100_000),
        ),
        reserve_percent=read.number("WINUX_RESERVE_PERCENT", 0, 90),
        gateway_listen=_gateway_listen(read),
        gateway_url=_gateway_url(read),
        gateway_max_connections=read.number("WINUX_GATEWAY_MAX_CONNECTIONS", 1, 100_000),
        gateway_max_listeners=read.number("WINUX_GATEWAY_MAX_LISTENERS", 0, 100_000),
        events_url=_events_url(read),
        metrics_token=_metrics_token(read),
        max_connections=read.number("WINUX_MAX_CONNECTIONS", 1, 1000),
        idle_minutes=read.number("WINUX_IDLE_MINUTES", 0, 10_080),
        time_zone=_time_zone(read),
        webhook_networks=_webhook_networks(read),
        sign_in_idle=read.minutes("WINUX_SIGN_IN_IDLE_MINUTES"),
        sign_in_longest=read.minutes("WINUX_SIGN_IN_LONGEST_MINUTES"),
        fresh_sign_in=timedelta(minutes=read.number("WINUX_FRESH_SIGN_IN_MINUTES", 1, 1440)),
        audit_kept=timedelta(days=read.number("WINUX_AUDIT_DAYS", 0, 36_500)),
        key_life=timedelta(days=read.number("WINUX_KEY_DAYS", 0, 3650)),
        worker_slots=read.number("WINUX_WORKER_SLOTS", 1, 32),
        clones_per_storage=read.number("WINUX_CLONES_PER_STORAGE", 1, 100),
        stale_lock=read.seconds("WINUX_STALE_LOCK_SECONDS"),
        template_keep=timedelta(hours=read.number("WINUX_TEMPLATE_KEEP_HOURS", 0, 8760)),
        node_reserve_mb=read.number("WINUX_NODE_RESERVE_MB", 0, 1 << 20),
        refuses_when_full=read.choice("WINUX_WHEN_FULL", ("wait", "refuse")) == "refuse",
        build_timeout=read.seconds("WINUX_BUILD_TIMEOUT_SECONDS"),
        destroy_timeout=read.seconds("WINUX_DESTROY_TIMEOUT_SECONDS"),
        lease=read.seconds("WINUX_LEASE_SECONDS", lowest=2),
        reconcile_every=read.seconds("WINUX_RECONCILE_SECONDS"),
        quarantine=read.seconds("WINUX_QUARANTINE_SECONDS"),
        run_dir=read.path("WINUX_RUN_DIR"),
        secrets_dir=read.path("WINUX_SECRETS_DIR"),
        guest_key_file=read.path("WINUX_GUEST_KEY_FILE"),
        inventory=read.path("WINUX_INVENTORY"),
        playbooks_dir=read.path("WINUX_PLAYBOOKS_DIR"),
    )


def _metrics_token(read: Reader) -> str:
    token = read.text("WINUX_METRICS_TOKEN") and read.secret("WINUX_METRICS_TOKEN", 16)
    return token and read.word("WINUX_METRICS_TOKEN", r"[!-~]+", "letters, digits and signs")


def _webhook_networks(read: Reader) -> tuple[Network, ...]:
    text = read.text("WINUX_WEBHOOK_NETWORKS")
    try:
        return tuple(ip_network(part) for part in text.replace(",", " ").split())
    except ValueError as error:
        raise BadConfig(
            f"WINUX_WEBHOOK_NETWORKS is {text!r}; it takes networks such as 10.1.0.0/16, with "
            f"commas between ({error})."
        ) from error


def _database_url(read: Reader) -> str:
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


def _encryption_key(read: Reader) -> str:
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


def _portal_id(read: Reader) -> str:
    name = read.text("WINUX_PORTAL_ID")
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?", name):
        raise BadConfig(
            f"WINUX_PORTAL_ID is {name!r}; it takes 1 to 32 small letters, digits and -, and "
            "begins and ends with a letter or digit. It marks this portal's containers, so never "
            "change it while desktops run."
        )
    return name


def _time_zone(read: Reader) -> ZoneInfo:
    name = read.text("WINUX_TIME_ZONE")
    if name not in available_timezones():
        raise BadConfig(
            f"WINUX_TIME_ZONE is {name!r}; it takes a name of the time zone database, "
            "such as Europe/Paris."
        )
    return ZoneInfo(name)


def _public_url(read: Reader) -> str:
    return _origin(read, "WINUX_PUBLIC_URL")


def _origin(read: Reader, name: str) -> str:
    """Scheme, host and perhaps a port, as browsers send it; empty when it is not set."""
    takes = "a scheme and host, such as https://desktops.example.org"
    parts = read.url(name, takes, ("http", "https"))
    if parts is None:
        return ""
    if parts.path not in ("", "/"):
        raise BadConfig(f"{name} is {read.text(name)!r}; it takes {takes}, without a path.")
    return f"{parts.scheme}://{parts.netloc}"


def _api_origins(read: Reader) -> frozenset[str]:
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


def _gateway_listen(read: Reader) -> tuple[str, int]:
    text = read.text("WINUX_GATEWAY_LISTEN")
    host, _, port = text.rpartition(":")
    if not (host and port.isascii() and port.isdigit() and int(port[:6]) <= 65_535):
        raise BadConfig(
            f"WINUX_GATEWAY_LISTEN is {text!r}; it takes an address and a port, "
            "such as 127.0.0.1:8081."
        )
    return host.strip("[]"), int(port)


def _gateway_url(read: Reader) -> str:
    """As set; else the public host: behind its proxy (https), or at the gateway's own port."""
    takes = (
        f"ws:// or wss://, a host and {GATEWAY_PATH}, "
        f"such as wss://desktops.example.org{GATEWAY_PATH}"
    )
    public = urlsplit(_public_url(read))
    parts = read.url("WINUX_GATEWAY_URL", takes, ("ws", "wss"))
    if parts is None:
        if public.scheme == "https":
            return f"wss://{public.netloc}{GATEWAY_PATH}"
        host = f"[{public.hostname}]" if ":" in (public.hostname or "") else public.hostname
        return f"ws://{host}:{_gateway_listen(read)[1]}{GATEWAY_PATH}"
    if parts.path != GATEWAY_PATH:
        raise BadConfig(f"WINUX_GATEWAY_URL is {parts.geturl()!r}; it takes {takes}.")
    if public.scheme == "https" and parts.scheme != "wss":
        raise BadConfig("WINUX_GATEWAY_URL must begin with wss:// when WINUX_PUBLIC_URL is https.")
    return f"{parts.scheme}://{parts.netloc}{GATEWAY_PATH}"


def _events_url(read: Reader) -> str:
    """As set; else beside the gateway's other address: at the public host or at its own port."""
    url = _origin(read, "WINUX_EVENTS_URL")
    if not url:
        gateway = urlsplit(_gateway_url(read))
        return f"{'https' if gateway.scheme == 'wss' else 'http'}://{gateway.netloc}"
    if _public_url(read).startswith("https:") and not url.startswith("https:"):
        raise BadConfig("WINUX_EVENTS_URL must begin with https:// when WINUX_PUBLIC_URL does.")
    return url


#: Names that Proxmox VE gives: of nodes, storages, bridges.
_PROXMOX_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"


def _proxmox_host(read: Reader) -> str:
    text = read.text("proxmox_api_host")
    is_v6 = text.startswith("[") and text.endswith("]")
    try:
        return normal_host(text[1:-1] if is_v6 else text).strip("[]")
    except ValueError as error:
        raise BadConfig(
            f"proxmox_api_host is {text!r}; it takes a name or an address alone, such as "
            "pve1.example.org. The port is proxmox_api_port."
        ) from error


def _token_id(read: Reader, user: str) -> str:
    text = read.text("proxmox_api_token_id")
    if "!" in text:
        name = text.rpartition("!")[2]
        raise BadConfig(
            f"proxmox_api_token_id is {text!r}; it takes the token's name alone: {name!r}. "
            f"What stands before the ! is proxmox_api_user, which is {user!r}."
        )
    takes = "the token's name, such as portal: it begins with a letter, then letters, digits, . - _"
    return read.word("proxmox_api_token_id", r"[A-Za-z][A-Za-z0-9._-]+", takes)


def _proxmox(read: Reader) -> ProxmoxConfig:
    ca_file = read.text("proxmox_ca_file")
    if ca_file and not _path(ca_file).is_file():
        raise BadConfig(f"proxmox_ca_file names {ca_file}, which is not a file.")
    a_user = "a user with its realm, such as winux@pve"
    user = read.word("proxmox_api_user", r"[^\s:/!@]+@[A-Za-z][A-Za-z0-9._-]+", a_user)
    a_name = "a name as Proxmox VE shows it"
    read.secret("proxmox_api_token_secret", shortest=8)
    return ProxmoxConfig(
        host=_proxmox_host(read),
        port=read.number("proxmox_api_port", 1, 65_535),
        user=user,
        token_id=_token_id(read, user),
        token_secret=read.word("proxmox_api_token_secret", r"[!-~]+", "letters, digits and -"),
        node=read.word("proxmox_node", _PROXMOX_NAME, a_name),
        ca_file=_path(ca_file) if ca_file else None,
        pool=read.word("proxmox_pool", rf"{_PROXMOX_NAME}(/{_PROXMOX_NAME})*", a_name),
        storage=read.word("proxmox_storage", _PROXMOX_NAME, a_name),
        bridge=read.word("proxmox_bridge", _PROXMOX_NAME, a_name),
    )


def _addresses(read: Reader) -> AddressPool:
    """The pool: by default .64 to the last host of the network; its first host is the gateway."""
    try:
        network = IPv4Network(read.text("WINUX_NETWORK"))
    except ValueError as error:
        raise BadConfig(f"WINUX_NETWORK is not a network such as 10.203.0.0/24: {error}") from error
    if network.prefixlen > 25:
        raise BadConfig(f"WINUX_NETWORK {network} is too small; it takes /25 or larger.")
    pool = AddressPool(
        network=network,
        first=_address(read, "WINUX_ADDRESS_FIRST", network[64]),
        last=_address(read, "WINUX_ADDRESS_LAST", network[-2]),
        gateway=_address(read, "WINUX_GATEWAY", network[1]),
    )
    if not (pool.first in network and pool.last in network and pool.first <= pool.last):
        raise BadConfig(
            f"WINUX_ADDRESS_FIRST {pool.first} to WINUX_ADDRESS_LAST {pool.last} "
            f"is not a range inside {network}."
        )
    if pool.first <= pool.gateway <= pool.last:
        raise BadConfig(f"WINUX_GATEWAY {pool.gateway} lies inside the range of the desktops.")
    return pool


def _address(read: Reader, name: str, default: IPv4Address) -> IPv4Address:
    text = read.text(name)
    try:
        return IPv4Address(text) if text else default
    except AddressValueError as error:
        raise BadConfig(f"{name} is not an IPv4 address: {error}") from error
