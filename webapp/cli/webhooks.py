"""`./winux webhook …`"""

import argparse
import sys

from webapp.bootstrap import Services
from webapp.cli import exit_codes
from webapp.cli.actor import OPERATOR, Commands
from webapp.cli.output import say, show_one, show_rows
from webapp.domain.webhooks.rules import CHOOSABLE


def add_to(commands: Commands, shared: argparse.ArgumentParser) -> None:
    """Adds the command and its subcommands."""
    group = commands.add_parser("webhook", help="programs that are told of events")
    kinds = group.add_subparsers(metavar="COMMAND", required=True)
    listing = kinds.add_parser("list", parents=[shared], help="all webhooks and how they fare")
    listing.set_defaults(run=list_webhooks)
    add = kinds.add_parser("add", parents=[shared], help="add one and show its secret once")
    add.add_argument("address", metavar="URL", help="where it is sent")
    add.add_argument(
        "--event",
        action="append",
        choices=[event.value for event in CHOOSABLE],
        help="what it is told of; may be given several times; without it: everything",
    )
    add.set_defaults(run=add_webhook)
    for word, run, words in (
        ("remove", remove_webhook, "forget it and its deliveries"),
        ("test", test_webhook, "send a test event now and show the answer"),
    ):
        command = kinds.add_parser(word, parents=[shared], help=words)
        command.add_argument("id", type=int, help="its number in the list")
        command.set_defaults(run=run)


def list_webhooks(services: Services, options: argparse.Namespace) -> None:
    rows = [
        {
            "id": view.webhook.id,
            "url": view.webhook.url,
            "events": view.webhook.event_words,
            "is_enabled": view.webhook.is_enabled,
            "last_status": view.last.answer_status if view.last else None,
            "last_tried_at": view.last.tried_at if view.last else None,
            "waiting": view.waiting,
        }
        for view in services.webhooks.all()
    ]
    show_rows(rows, as_json=options.json, nothing="There is no webhook: ./winux webhook add URL")


def add_webhook(services: Services, options: argparse.Namespace) -> None:
    events = options.event or [event.value for event in CHOOSABLE]
    made = services.webhooks.add(OPERATOR, options.address, events)
    if options.json:
        show_one({"id": made.webhook.id, "secret": made.secret}, as_json=True)
    else:
        say(f"Webhook {made.webhook.id} is told of {', '.join(made.webhook.events)}.")
        say(f"Secret, shown only now: {made.secret}")


def remove_webhook(services: Services, options: argparse.Namespace) -> None:
    services.webhooks.remove(OPERATOR, options.id)
    if options.json:
        show_one({"id": options.id}, as_json=True)
    else:
        say(f"Webhook {options.id} is forgotten.")


def test_webhook(services: Services, options: argparse.Namespace) -> None:
    """Ends with UNREACHABLE if the test was not delivered."""
    from webapp.bootstrap_worker import build_deliverer

    deliverer = build_deliverer(services)
    delivery_id = services.webhooks.test(OPERATOR, options.id)
    claimed = deliverer.claim_this(delivery_id)
    if claimed:  # otherwise a worker process claimed it first and stores the result
        deliverer.deliver(claimed)
    row = services.webhooks.delivery(delivery_id)
    if options.json:
        answer = {"has_arrived": row.delivered_at is not None, "status": row.answer_status}
        show_one({**answer, "answer": row.answer}, as_json=True)
    else:
        say(f"{row.answer_status or 'No answer'}: {row.answer or ''}")
    if row.delivered_at is None:
        sys.exit(exit_codes.UNREACHABLE)
