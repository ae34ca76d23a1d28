"""Reads the settings once, from the environment and the settings file, into a frozen `Config`.

`NAME_FILE` may name a file that holds the value of a secret `NAME`. An invalid value stops the
start with a message that says how to correct it. Every setting is described in
docs/admin/settings.md (a test compares). `webapp.settings` reads single values.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from webapp import env_file
from webapp.domain.desktops.launch_rate import LaunchRate
from webapp.domain.nodes.addresses import AddressPool
from webapp.domain.webhooks.rules import Network
from webapp.settings.addresses import addresses
from webapp.settings.portal import (
    database_url,
    desktop_domain,
    encryption_key,
    hosts_file,
    metrics_token,
    portal_id,
    time_zone,
    webhook_networks,
)
from webapp.settings.proxmox import ProxmoxConfig, proxmox
from webapp.settings.reader import BadConfig, Reader
from webapp.settings.table import ALSO_IN_FILE, CHECKOUT, FORMER, SECRETS, SETTINGS
from webapp.settings.urls import (
    api_origins,
    events_url,
    gateway_listen,
    gateway_url,
    public_url,
)

ROOT = CHECKOUT


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
    """Origins whose pages may use the API with a key, such as https://courses.example.org."""
    proxmox: ProxmoxConfig
    addresses: AddressPool
    desktop_domain: str
    """Domain in which each desktop has a name of its own; empty: desktops have no names."""
    hosts_file: Path | None
    """File in which a worker tells a DNS server the names; None: it does not."""
    vmid_first: int
    vmid_last: int
    max_desktops: int
    max_desktops_total: int
    launch_rate: LaunchRate
    """How often one person may launch."""
    reserve_percent: int
    """Percentage of places, VM ids and addresses reserved for people who have no desktop."""
    gateway_listen: tuple[str, int]
    """Host and port that the gateway binds."""
    gateway_url: str
    """URL under which browsers reach the gateway (ws:// or wss://)."""
    gateway_max_connections: int
    gateway_max_listeners: int
    """Maximum number of event listeners of one gateway process."""
    events_url: str
    """Scheme and host under which API clients reach the gateways' events."""
    metrics_token: str
    """Token that Prometheus must send to read /metrics. If empty, there is no such page."""
    max_connections: int
    """Maximum per person, to different desktops."""
    idle_minutes: int
    time_zone: ZoneInfo
    """Time zone of the pools' schedules."""
    webhook_networks: tuple[Network, ...]
    """Non-public networks to which webhooks may be sent."""
    sign_in_idle: timedelta
    sign_in_longest: timedelta
    fresh_sign_in: timedelta
    """How long after the password was typed actions that need it again, such as a new key, work."""
    audit_kept: timedelta
    """How long audit entries are kept; zero: forever."""
    key_life: timedelta
    """Default lifetime of a new API key; zero: until it is revoked."""
    worker_slots: int
    clones_per_storage: int
    stale_lock: timedelta
    """A lock without a running task counts as stale after this time."""
    template_keep: timedelta
    """How long the container of an old template version is kept; zero: forever."""
    node_reserve_mb: int
    """Memory of each node that is not available to desktops."""
    refuses_when_full: bool
    """Whether launches that exceed the nodes' memory are refused; otherwise they wait."""
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
    former_names: tuple[str, ...] = ()
    """Settings that are set under a former name, which the next release will not read."""

    @property
    def is_https(self) -> bool:
        return self.public_url.startswith("https:")

    @property
    def cookie_name(self) -> str:
        """Name of the sign-in cookie."""
        return "__Host-winux" if self.is_https else "winux"

    @property
    def theme_cookie_name(self) -> str:
        """Name of the cookie with the chosen colours."""
        return "__Host-winux-look" if self.is_https else "winux-look"

    @property
    def device_cookie_name(self) -> str:
        """Name of the cookie that marks this browser as a known device of an account."""
        return "__Host-winux-device" if self.is_https else "winux-device"

    @property
    def vmids(self) -> range:
        return range(self.vmid_first, self.vmid_last + 1)


def load_with_file(environment: Mapping[str, str]) -> Config:
    """Returns the configuration; `environment` overrides the settings file. Raises BadConfig."""
    try:
        settings = env_file.read(environment, ROOT)
    except env_file.BadEnvFile as error:
        raise BadConfig(str(error)) from error
    known = {*SETTINGS, *(f"{name}_FILE" for name in SECRETS), *ALSO_IN_FILE, *FORMER}
    for name in settings.keys() - known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise BadConfig(f"{env_file.place(environment, ROOT)}: there is no setting {name}.{hint}")
    return load(env_file.below(environment, settings))


def load(environment: Mapping[str, str]) -> Config:
    """Returns the configuration in `environment`. Raises BadConfig at the first invalid value."""
    read = Reader(environment)
    vmid_first = read.number("WINUX_VMID_FIRST", 100, 999_999_999)
    return Config(
        database_url=database_url(read),
        secret_key=read.secret("WINUX_SECRET_KEY", shortest=32),
        encryption_key=encryption_key(read),
        portal_id=portal_id(read),
        public_url=public_url(read),
        trusted_proxies=read.number("WINUX_TRUSTED_PROXIES", 0, 5),
        api_origins=api_origins(read),
        proxmox=proxmox(read),
        addresses=addresses(read),
        desktop_domain=desktop_domain(read),
        hosts_file=hosts_file(read),
        vmid_first=vmid_first,
        vmid_last=read.number("WINUX_VMID_LAST", vmid_first, 999_999_999),
        max_desktops=read.number("WINUX_MAX_DESKTOPS", 0, 1000),
        max_desktops_total=read.number("WINUX_MAX_DESKTOPS_TOTAL", 0, 100_000),
        launch_rate=LaunchRate(
            burst=read.number("WINUX_LAUNCH_BURST", 1, 1000),
            per_hour=read.number("WINUX_LAUNCHES_PER_HOUR", 1, 100_000),
        ),
        reserve_percent=read.number("WINUX_RESERVE_PERCENT", 0, 90),
        gateway_listen=gateway_listen(read),
        gateway_url=gateway_url(read),
        gateway_max_connections=read.number("WINUX_GATEWAY_MAX_CONNECTIONS", 1, 100_000),
        gateway_max_listeners=read.number("WINUX_GATEWAY_MAX_LISTENERS", 0, 100_000),
        events_url=events_url(read),
        metrics_token=metrics_token(read),
        max_connections=read.number("WINUX_MAX_CONNECTIONS", 1, 1000),
        idle_minutes=read.number("WINUX_IDLE_MINUTES", 0, 10_080),
        time_zone=time_zone(read),
        webhook_networks=webhook_networks(read),
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
        former_names=read.former(),
    )
