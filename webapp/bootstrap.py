"""Joins services and adapters, once; the only place that knows both sides."""

from dataclasses import dataclass

from webapp.adapters.database import SqlDatabase
from webapp.adapters.secrets import ArgonHasher, FernetVault
from webapp.adapters.system import SystemClock
from webapp.config import Config
from webapp.ports import Clock, Vault
from webapp.services.accounts import Accounts
from webapp.services.audit import Audit
from webapp.services.credentials import CredentialDesk
from webapp.services.launch import Launcher
from webapp.services.lifetime import Lifetime
from webapp.services.reports import Reports


@dataclass(frozen=True)
class Services:
    """The use cases, ready to be called by the web, the command line and the worker."""

    config: Config
    clock: Clock
    db: SqlDatabase
    vault: Vault
    audit: Audit
    accounts: Accounts
    launcher: Launcher
    lifetime: Lifetime
    credentials: CredentialDesk
    reports: Reports


def build_services(config: Config, *, clock: Clock | None = None) -> Services:
    """Everything that needs no Proxmox: what the web process works with."""
    clock = clock or SystemClock()
    db = SqlDatabase(config.database_url)
    vault = FernetVault(config.encryption_key)
    audit = Audit(db, clock)
    return Services(
        config=config,
        clock=clock,
        db=db,
        vault=vault,
        audit=audit,
        accounts=Accounts(db, clock, config, ArgonHasher(), audit),
        launcher=Launcher(db, clock, config, vault, audit),
        lifetime=Lifetime(db, clock, audit),
        credentials=CredentialDesk(db, vault, audit),
        reports=Reports(db, clock),
    )
