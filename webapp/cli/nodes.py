"""`./winux node …`"""

import argparse

from webapp.bootstrap import Services
from webapp.cli.actor import OPERATOR, Commands
from webapp.cli.output import say, show_one, show_rows


def add_to(commands: Commands, shared: argparse.ArgumentParser) -> None:
    """Adds the command and its subcommands."""
    group = commands.add_parser("node", help="the nodes that desktops run on").add_subparsers(
        metavar="COMMAND", required=True
    )
    listing = group.add_parser("list", parents=[shared], help="nodes, their room and troubles")
    listing.set_defaults(run=list_nodes)
    templates = group.add_parser(
        "templates", parents=[shared], help="the templates on them, with locks and their cure"
    )
    templates.set_defaults(run=list_replicas)
    for word, is_enabled, words in (
        ("drain", False, "make no new desktops there; those that run stay"),
        ("use", True, "undo drain"),
    ):
        command = group.add_parser(word, parents=[shared], help=words)
        command.add_argument("name")
        command.set_defaults(run=set_enabled, is_enabled=is_enabled)


def list_nodes(services: Services, options: argparse.Namespace) -> None:
    rows = [
        {
            "name": view.node.name,
            "is_used": view.node.is_enabled,
            "is_online": view.node.is_online and view.is_fresh,
            "desktops": view.desktops,
            "fits": view.fits,
            "free_mb": view.node.free_mb,
            "memory_mb": view.node.memory_mb,
            "storage_free_gb": view.node.storage_free_gb,
            "seen_at": view.node.seen_at,
            "trouble": view.node.trouble,
        }
        for view in services.capacity.view().nodes
    ]
    show_rows(rows, as_json=options.json, nothing="No worker has looked at the nodes yet.")


def list_replicas(services: Services, options: argparse.Namespace) -> None:
    rows = [
        {
            "template": one.template,
            "version": one.version,
            "vmid": one.vmid,
            "node": one.node,
            "is_offered": not one.is_retired,
            "is_missing": one.is_missing,
            "lock": one.lock,
            "locked_since": one.locked_at,
            "cure": one.cure or None,
            "removal_waits_for": one.clones if one.is_retired else None,
            "removal_trouble": one.removal_trouble,
        }
        for view in services.capacity.view().nodes
        for one in view.replicas
    ]
    show_rows(rows, as_json=options.json, nothing="No worker has seen a template on a node yet.")


def set_enabled(services: Services, options: argparse.Namespace) -> None:
    services.capacity.set_enabled(OPERATOR, options.name, options.is_enabled)
    if options.json:
        show_one({"name": options.name, "is_used": options.is_enabled}, as_json=True)
    elif options.is_enabled:
        say(f"{options.name} takes new desktops again.")
    else:
        say(f"{options.name} takes no new desktops; those that run stay until their time is up.")
