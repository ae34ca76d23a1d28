"""`./winux worker`, `gateway`, `migrate` and `check-config`.

Each imports what it needs itself: a gateway loads no code for Proxmox, a worker process none for
browsers' TLS, and no process keeps the migration code in memory.
"""

import argparse
import sys
from collections.abc import Callable

from webapp.adapters import heap, schema
from webapp.adapters.examine_machine import check_guest_key, check_programs, check_secrets_dir
from webapp.adapters.logs import log_as_json
from webapp.bootstrap import Services
from webapp.cli import maintenance
from webapp.cli.actor import Commands
from webapp.cli.output import say, show_one, show_rows
from webapp.config import Config
from webapp.domain.errors import Refused, WinuxError
from webapp.settings.table import FORMER
from webapp.texts.sentences import sentence


def add_to(commands: Commands, shared: argparse.ArgumentParser) -> None:
    """Adds the commands."""
    worker = commands.add_parser("worker", help="build, tear down, expire and reconcile desktops")
    worker.add_argument("--once", action="store_true", help="do what is due now and end, for cron")
    worker.set_defaults(run=run_worker)
    gateway = commands.add_parser("gateway", help="carry RDP between browsers and desktops")
    gateway.set_defaults(run=run_gateway)
    migrate = commands.add_parser(
        "migrate", parents=[shared], help="bring the database to this release's schema"
    )
    migrate.add_argument(
        "--new", dest="is_new", action="store_true", help="make the database of a new portal"
    )
    migrate.set_defaults(run=migrate_database)
    check = commands.add_parser(
        "check-config", parents=[shared], help="say whether the settings hold, starting nothing"
    )
    check.set_defaults(run=check_config)


def run_worker(services: Services, options: argparse.Namespace) -> None:
    from webapp.bootstrap_worker import build_worker_services
    from webapp.worker.loop import Worker, worker_name

    log_as_json()
    heap.share_one_arena()
    worker = Worker(build_worker_services(services, worker_name()))
    if not options.once:
        worker.stop_on_signals()
        worker.run()
    elif not worker.run_once():
        sys.exit(1)


def run_gateway(services: Services, _options: argparse.Namespace) -> None:
    from webapp.gateway import process

    log_as_json()
    process.run(services)


def migrate_database(services: Services, options: argparse.Namespace) -> None:
    from webapp.adapters.migration import create, upgrade

    version = create(services.db) if options.is_new else upgrade(services.db)
    if options.json:
        show_one({"schema": version}, as_json=True)
    else:
        say(f"The database has schema {version}.")


def check_config(services: Services, options: argparse.Namespace) -> None:
    """Checks each part on a line of its own; ends with status 1 if one fails."""
    config = services.config
    checks: dict[str, Callable[[], None]] = {
        "database": lambda: schema.check(services.db),
        "proxmox": lambda: _check_proxmox(config),
        "playbooks": lambda: _check_playbooks(config),
        "guest key": lambda: check_guest_key(config.guest_key_file),
        "folders": lambda: _check_folders(config),
        "secrets": lambda: check_secrets_dir(config.secrets_dir),
        "programs": check_programs,
    }
    rows = [{"part": "settings", "trouble": None, "warning": _former_words(config)}]
    rows += [
        {"part": part, "trouble": _trouble(check), "warning": None}
        for part, check in checks.items()
    ]
    if options.json:
        show_rows(rows, as_json=True, nothing="")
    else:
        for row in rows:
            say(f"{row['part']:<10} {row['trouble'] or row['warning'] or 'ok'}")
    if any(row["trouble"] for row in rows):
        sys.exit(1)


#: Commands that run with any schema in the database, or without one.
ANY_SCHEMA = (migrate_database, check_config, maintenance.examine)


def _former_words(config: Config) -> str | None:
    words = [f"{name} is now called {FORMER[name]}" for name in config.former_names]
    return f"warning: {'; '.join(words)}. Rename it before the next release." if words else None


def _trouble(check: Callable[[], None]) -> str | None:
    try:
        check()
    except WinuxError as error:
        return sentence(error)
    except OSError as error:
        return f"{error.filename}: {error.strerror}."
    return None


def _check_proxmox(config: Config) -> None:
    from webapp.adapters.proxmox import ProxmoxHypervisor

    ProxmoxHypervisor(config.proxmox).containers(config.vmids)


def _check_playbooks(config: Config) -> None:
    for path in (config.playbooks_dir / "create-winux-session.yml", config.inventory):
        if not path.exists():
            raise Refused("no_playbooks", path=str(path))


def _check_folders(config: Config) -> None:
    for folder in (config.run_dir, config.secrets_dir):
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f"winux-{config.portal_id}.probe"
        probe.touch(mode=0o600)
        probe.unlink()
