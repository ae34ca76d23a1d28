"""Creates the services with their adapters. Only this module and `bootstrap_worker` import both.

This module needs neither Proxmox nor Ansible, and imports nothing that does.
"""

from dataclasses import dataclass

from webapp.adapters.database import SqlDatabase
from webapp.adapters.secrets import ArgonHasher, FernetVault
from webapp.adapters.system import SystemClock
from webapp.config import Config
from webapp.ports import Clock, Hasher, Vault
from webapp.services.audit.log import AuditLog
from webapp.services.audit.record import Audit
from webapp.services.connections.admission import Admission
from webapp.services.connections.connections import Connections
from webapp.services.connections.event_feed import EventFeed
from webapp.services.connections.tickets import Tickets
from webapp.services.desktops.capacity import Capacity
from webapp.services.desktops.credentials import DesktopCredentials
from webapp.services.desktops.gate import LaunchGate
from webapp.services.desktops.host_names import HostNames
from webapp.services.desktops.launch import Launcher
from webapp.services.desktops.lifetime import Lifetime
from webapp.services.desktops.listing import DesktopListing
from webapp.services.desktops.pauses import Pauses
from webapp.services.desktops.presence import Presence
from webapp.services.desktops.queue_position import QueuePositions
from webapp.services.desktops.views import Reports
from webapp.services.idempotency import IdempotencyKeys
from webapp.services.nodes.findings import FindingReports
from webapp.services.people.accounts import Accounts
from webapp.services.people.key_gate import KeyGate
from webapp.services.people.keys import Keys
from webapp.services.people.own_account import OwnAccount
from webapp.services.people.password_check import PasswordCheck
from webapp.services.people.role_changes import RoleChanges
from webapp.services.pool.settings import Pools
from webapp.services.statistics.metrics import Metrics
from webapp.services.statistics.tallies import Tallies
from webapp.services.statistics.trends import Trends
from webapp.services.templates.catalogue import Catalogue
from webapp.services.upkeep.cleanup import Cleanups
from webapp.services.upkeep.doctor import Checkups
from webapp.services.webhooks.settings import Webhooks


@dataclass(frozen=True)
class Services:
    """The use cases, ready to be called by the web, the command line and the worker."""

    config: Config
    clock: Clock
    db: SqlDatabase
    vault: Vault
    audit: Audit
    audit_log: AuditLog
    accounts: Accounts
    own_account: OwnAccount
    role_changes: RoleChanges
    keys: Keys
    launcher: Launcher
    lifetime: Lifetime
    pauses: Pauses
    credentials: DesktopCredentials
    reports: Reports
    catalogue: Catalogue
    tickets: Tickets
    connections: Connections
    event_feed: EventFeed
    presence: Presence
    pools: Pools
    metrics: Metrics
    tallies: Tallies
    trends: Trends
    findings: FindingReports
    checkups: Checkups
    queue_positions: QueuePositions
    capacity: Capacity
    key_gate: KeyGate
    desktop_listing: DesktopListing
    repeats: IdempotencyKeys
    cleanups: Cleanups
    webhooks: Webhooks
    host_names: HostNames


def build_services(
    config: Config, *, clock: Clock | None = None, hasher: Hasher | None = None
) -> Services:
    """Creates every service that needs no Proxmox: the services of the web process."""
    clock = clock or SystemClock()
    db = SqlDatabase(config.database_url)
    vault = FernetVault(config.encryption_key)
    audit = Audit(db, clock)
    tallies = Tallies(db, clock)
    gate = LaunchGate(config)
    keys = Keys(db, clock, audit)
    check = PasswordCheck(db, clock, hasher or ArgonHasher())
    return Services(
        config=config,
        clock=clock,
        db=db,
        vault=vault,
        audit=audit,
        audit_log=AuditLog(db, audit),
        accounts=Accounts(db, clock, config, check, audit),
        own_account=OwnAccount(db, clock, config, check, audit),
        role_changes=RoleChanges(db, audit),
        keys=keys,
        launcher=Launcher(db, clock, config, vault, audit, gate),
        lifetime=Lifetime(db, clock, audit),
        pauses=Pauses(db, clock, config, audit),
        credentials=DesktopCredentials(db, config, vault, audit),
        reports=Reports(db, clock),
        catalogue=Catalogue(db, clock, config, audit),
        tickets=Tickets(db, clock, config, audit, Admission(clock, config, vault, audit)),
        connections=Connections(db, clock, config, audit),
        event_feed=EventFeed(db, clock, config),
        presence=Presence(db, clock, config, audit),
        pools=Pools(db, clock, config, audit),
        metrics=Metrics(db, clock, config, tallies),
        tallies=tallies,
        trends=Trends(db, clock),
        findings=FindingReports(db, clock),
        checkups=Checkups(db),
        queue_positions=QueuePositions(db, clock, config),
        capacity=Capacity(db, clock, config, audit, gate),
        key_gate=KeyGate(db, clock, keys),
        desktop_listing=DesktopListing(db),
        repeats=IdempotencyKeys(db, clock, config),
        cleanups=Cleanups(db, clock, audit),
        webhooks=Webhooks(db, clock, config, vault, audit),
        host_names=HostNames(db, config),
    )
