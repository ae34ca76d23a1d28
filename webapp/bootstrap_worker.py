"""Creates the services that talk to Proxmox, Ansible and webhook receivers; see `bootstrap`."""

from dataclasses import dataclass
from functools import partial

from webapp.adapters.ansible import AnsibleProvisioner
from webapp.adapters.examine_firewall import FirewallExaminer
from webapp.adapters.examine_gateway import GatewayExaminer
from webapp.adapters.examine_isolation import IsolationExaminer
from webapp.adapters.examine_machine import MachineExaminer
from webapp.adapters.examine_names import NamesExaminer
from webapp.adapters.examine_proxmox import ProxmoxExaminer
from webapp.adapters.hosts_file import LocalHostsFile
from webapp.adapters.proxmox import ProxmoxHypervisor
from webapp.adapters.webhook_post import WebhookPost
from webapp.bootstrap import Services
from webapp.config import Config
from webapp.ports import Examiner, Hypervisor, WarmProvisioner
from webapp.services.audit.retention import AuditRetention
from webapp.services.desktops.host_names import HostNameKeeper
from webapp.services.desktops.idle import IdleWatch
from webapp.services.desktops.lifetime import Lifetime
from webapp.services.desktops.pauses import Pauses
from webapp.services.nodes.scan import NodeWatch
from webapp.services.pool.keeper import PoolKeeper
from webapp.services.provisioning.adopt import Adopter
from webapp.services.provisioning.assign import Assigner
from webapp.services.provisioning.build import Builder
from webapp.services.provisioning.clone_queue import CloneQueue
from webapp.services.provisioning.deadline import DeadlineSender
from webapp.services.provisioning.lease import Leases
from webapp.services.provisioning.pause import Pauser
from webapp.services.provisioning.resume import Resumer
from webapp.services.provisioning.teardown import Teardown
from webapp.services.statistics.tallies import Tallies
from webapp.services.templates.retirement import TemplateRetirement
from webapp.services.upkeep.cleanup import Cleanups
from webapp.services.upkeep.doctor import Doctor, launchable, running_desktops
from webapp.services.upkeep.heartbeat import Heartbeat
from webapp.services.upkeep.reconcile import Reconciler
from webapp.services.webhooks.delivery import Deliverer


def build_deliverer(services: Services) -> Deliverer:
    """Creates the service that sends webhook deliveries."""
    sender = WebhookPost(services.config.webhook_networks)
    return Deliverer(services.db, services.clock, services.vault, sender)


def build_doctor(services: Services) -> Doctor:
    """Creates the service that examines the installation from this machine."""
    config, db = services.config, services.db
    templates, desktops = partial(launchable, db), partial(running_desktops, db)
    examiners: list[Examiner] = [
        MachineExaminer(config, db),
        ProxmoxExaminer(config.proxmox, templates),
        FirewallExaminer(config.proxmox, templates, desktops),
        IsolationExaminer(config.guest_key_file, desktops),
        GatewayExaminer(config),
        NamesExaminer(config.desktop_domain, desktops),
    ]
    return Doctor(db, services.clock, examiners)


@dataclass(frozen=True)
class WorkerServices:
    """The services of a worker process."""

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
    deadline_sender: DeadlineSender
    idle: IdleWatch
    adopter: Adopter
    reconciler: Reconciler
    pools: PoolKeeper
    heartbeat: Heartbeat
    template_retirement: TemplateRetirement
    doctor: Doctor
    tallies: Tallies
    cleanups: Cleanups
    deliverer: Deliverer
    audit_retention: AuditRetention
    host_names: HostNameKeeper


def build_worker_services(
    services: Services,
    name: str,
    *,
    provisioner: WarmProvisioner | None = None,
    hypervisor: Hypervisor | None = None,
) -> WorkerServices:
    """Creates every service that talks to Ansible or Proxmox, for the worker called `name`."""
    config, db, clock, audit = services.config, services.db, services.clock, services.audit
    provisioner = provisioner or AnsibleProvisioner(config)
    hypervisor = hypervisor or ProxmoxHypervisor(config.proxmox)
    leases = Leases(db, clock, name, config.lease)
    return WorkerServices(
        name=name,
        config=config,
        audit_retention=AuditRetention(db, clock, config, audit),
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
        deadline_sender=DeadlineSender(clock, provisioner, leases),
        idle=IdleWatch(db, clock, config, audit, provisioner),
        adopter=Adopter(db, clock, config, services.vault, audit, provisioner, hypervisor, leases),
        reconciler=Reconciler(db, clock, config, audit, provisioner, hypervisor),
        pools=PoolKeeper(db, clock, config, services.vault, audit),
        doctor=build_doctor(services),
        heartbeat=Heartbeat(db, clock, NodeWatch(db, clock, hypervisor), name),
        template_retirement=TemplateRetirement(db, clock, config, audit, provisioner),
        tallies=services.tallies,
        cleanups=services.cleanups,
        deliverer=build_deliverer(services),
        host_names=HostNameKeeper(services.host_names, _hosts_file(config)),
    )


def _hosts_file(config: Config) -> LocalHostsFile | None:
    return LocalHostsFile(config.hosts_file) if config.hosts_file else None
