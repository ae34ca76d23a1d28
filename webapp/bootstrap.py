"""Joins services and adapters, once; the only place that knows both sides."""

from dataclasses import dataclass

from webapp.adapters.ansible import AnsibleProvisioner
from webapp.adapters.database import SqlDatabase
from webapp.adapters.examine_gateway import GatewayExaminer
from webapp.adapters.examine_machine import MachineExaminer
from webapp.adapters.examine_proxmox import ProxmoxExaminer, WantedTemplate
from webapp.adapters.proxmox import ProxmoxHypervisor
from webapp.adapters.secrets import ArgonHasher, FernetVault
from webapp.adapters.system import SystemClock
from webapp.adapters.webhook_post import WebhookPost
from webapp.config import Config
from webapp.ports import Clock, Examiner, Hasher, Hypervisor, Vault, WarmProvisioner
from webapp.services.accounts import Accounts
from webapp.services.adopt import Adopter
from webapp.services.assign import Assigner
from webapp.services.audit import Audit
from webapp.services.audit_log import AuditLog
from webapp.services.build import Builder
from webapp.services.capacity import Capacity
from webapp.services.catalogue import Catalogue
from webapp.services.cleanup import Cleanups
from webapp.services.clone_queue import CloneQueue
from webapp.services.connections import Connections
from webapp.services.credentials import CredentialDesk
from webapp.services.desktop_pages import DesktopPages
from webapp.services.doctor import Checkups, Doctor, launchable
from webapp.services.findings import FindingReports
from webapp.services.heartbeat import Heartbeat
from webapp.services.idle import IdleWatch
from webapp.services.key_gate import KeyGate
from webapp.services.keys import Keys
from webapp.services.launch import Launcher
from webapp.services.launch_gate import LaunchGate
from webapp.services.lease import Leases
from webapp.services.lifetime import DeadlineTeller, Lifetime
from webapp.services.metrics import Metrics
from webapp.services.nodes import NodeWatch
from webapp.services.pauser import Pauser
from webapp.services.pauses import Pauses
from webapp.services.pool import Pools
from webapp.services.presence import Presence
from webapp.services.reconcile import Reconciler
from webapp.services.refill import PoolKeeper
from webapp.services.repeats import Repeats
from webapp.services.reports import Reports
from webapp.services.resumer import Resumer
from webapp.services.session_feed import SessionFeed
from webapp.services.tallies import Tallies
from webapp.services.teardown import Teardown
from webapp.services.tickets import Tickets
from webapp.services.trends import Trends
from webapp.services.waiting import WaitingRoom
from webapp.services.webhook_delivery import Deliverer
from webapp.services.webhooks import Webhooks


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
    keys: Keys
    launcher: Launcher
    lifetime: Lifetime
    pauses: Pauses
    credentials: CredentialDesk
    reports: Reports
    catalogue: Catalogue
    tickets: Tickets
    connections: Connections
    session_feed: SessionFeed
    presence: Presence
    pools: Pools
    metrics: Metrics
    tallies: Tallies
    trends: Trends
    findings: FindingReports
    checkups: Checkups
    waiting_room: WaitingRoom
    capacity: Capacity
    key_gate: KeyGate
    desktop_pages: DesktopPages
    repeats: Repeats
    cleanups: Cleanups
    webhooks: Webhooks


def build_services(
    config: Config, *, clock: Clock | None = None, hasher: Hasher | None = None
) -> Services:
    """Everything that needs no Proxmox: what the web process works with."""
    clock = clock or SystemClock()
    db = SqlDatabase(config.database_url)
    vault = FernetVault(config.encryption_key)
    audit = Audit(db, clock)
    tallies = Tallies(db, clock)
    gate = LaunchGate(config)
    keys = Keys(db, clock, audit)
    return Services(
        config=config,
        clock=clock,
        db=db,
        vault=vault,
        audit=audit,
        audit_log=AuditLog(db, audit),
        accounts=Accounts(db, clock, config, hasher or ArgonHasher(), audit),
        keys=keys,
        launcher=Launcher(db, clock, config, vault, audit, gate),
        lifetime=Lifetime(db, clock, audit),
        pauses=Pauses(db, clock, config, audit),
        credentials=CredentialDesk(db, vault, audit),
        reports=Reports(db, clock),
        catalogue=Catalogue(db, clock, config, audit),
        tickets=Tickets(db, clock, config, vault, audit),
        connections=Connections(db, clock, config, audit),
        session_feed=SessionFeed(db, clock, config),
        presence=Presence(db, clock, config, audit),
        pools=Pools(db, clock, config, audit),
        metrics=Metrics(db, clock, config, tallies),
        tallies=tallies,
        trends=Trends(db, clock),
        findings=FindingReports(db, clock),
        checkups=Checkups(db),
        waiting_room=WaitingRoom(db, clock, config),
        capacity=Capacity(db, clock, config, audit, gate),
        key_gate=KeyGate(db, clock, keys),
        desktop_pages=DesktopPages(db),
        repeats=Repeats(db, clock, config),
        cleanups=Cleanups(db, clock, audit),
        webhooks=Webhooks(db, clock, config, vault, audit),
    )


def build_deliverer(services: Services) -> Deliverer:
    """What sends webhook deliveries."""
    sender = WebhookPost(services.config.webhook_networks)
    return Deliverer(services.db, services.clock, services.vault, sender)


def build_doctor(services: Services) -> Doctor:
    """What examines the installation from this machine."""
    config, db = services.config, services.db
    proxmox = ProxmoxExaminer(
        config.proxmox, lambda: [WantedTemplate(*template) for template in launchable(db)]
    )
    examiners: list[Examiner] = [MachineExaminer(config, db), proxmox, GatewayExaminer(config)]
    return Doctor(db, services.clock, examiners)


@dataclass(frozen=True)
class WorkerServices:
    """What a worker process works with."""

    name: str
    config: Config
    leases: Leases
    provisioner: WarmProvisioner
    builder: Builder
    assigner: Assigner
    teardown: Teardown
    pauser: Pauser
    resumer: Resumer
    lifetime: Lifetime
    pauses: Pauses
    teller: DeadlineTeller
    idle: IdleWatch
    adopter: Adopter
    reconciler: Reconciler
    pools: PoolKeeper
    heartbeat: Heartbeat
    doctor: Doctor
    tallies: Tallies
    cleanups: Cleanups
    deliverer: Deliverer


def build_worker_services(
    services: Services,
    name: str,
    *,
    provisioner: WarmProvisioner | None = None,
    hypervisor: Hypervisor | None = None,
) -> WorkerServices:
    """Everything that talks to Ansible and Proxmox, in the name of one worker."""
    config, db, clock, audit = services.config, services.db, services.clock, services.audit
    provisioner = provisioner or AnsibleProvisioner(config)
    hypervisor = hypervisor or ProxmoxHypervisor(config.proxmox)
    leases = Leases(db, clock, name, config.lease)
    return WorkerServices(
        name=name,
        config=config,
        leases=leases,
        provisioner=provisioner,
        builder=Builder(
            db,
            clock,
            config,
            services.vault,
            audit,
            provisioner,
            hypervisor,
            leases,
            CloneQueue(db, clock, config, leases),
        ),
        assigner=Assigner(db, clock, config, services.vault, audit, provisioner, leases),
        teardown=Teardown(clock, config, audit, provisioner, hypervisor, leases),
        pauser=Pauser(db, clock, config, audit, provisioner, hypervisor, leases),
        resumer=Resumer(db, clock, config, audit, provisioner, hypervisor, leases),
        lifetime=services.lifetime,
        pauses=services.pauses,
        teller=DeadlineTeller(clock, provisioner, leases),
        idle=IdleWatch(db, clock, config, audit, provisioner),
        adopter=Adopter(db, clock, config, services.vault, audit, provisioner, hypervisor, leases),
        reconciler=Reconciler(db, clock, config, audit, provisioner, hypervisor),
        pools=PoolKeeper(db, clock, config, services.vault, audit),
        doctor=build_doctor(services),
        heartbeat=Heartbeat(db, clock, NodeWatch(db, clock, hypervisor), name),
        tallies=services.tallies,
        cleanups=services.cleanups,
        deliverer=build_deliverer(services),
    )
