"""The database tables: columns and small derived properties. Rules are in `domain`."""

from webapp.models.api_key import ApiKey
from webapp.models.audit import AuditEntry
from webapp.models.base import Base
from webapp.models.checkup import Checkup
from webapp.models.cleanup import Cleanup
from webapp.models.connection import Connection
from webapp.models.desktop import Desktop, DesktopStep
from webapp.models.finding import FindingRow, Watch
from webapp.models.node import CloneSlot, Node, TemplateReplica
from webapp.models.person import Person, SignIn, SignInAttempt
from webapp.models.pool import PoolSchedule
from webapp.models.repeat import Repeat
from webapp.models.reservation import AddressReservation, VmidReservation
from webapp.models.tally import Tally, TallyMark
from webapp.models.template import Template
from webapp.models.ticket import Ticket
from webapp.models.webhook import Webhook, WebhookDelivery
from webapp.models.worker import WorkerBeat

__all__ = [
    "AddressReservation",
    "ApiKey",
    "AuditEntry",
    "Base",
    "Checkup",
    "Cleanup",
    "CloneSlot",
    "Connection",
    "Desktop",
    "DesktopStep",
    "FindingRow",
    "Node",
    "Person",
    "PoolSchedule",
    "Repeat",
    "SignIn",
    "SignInAttempt",
    "Tally",
    "TallyMark",
    "Template",
    "TemplateReplica",
    "Ticket",
    "VmidReservation",
    "Watch",
    "Webhook",
    "WebhookDelivery",
    "WorkerBeat",
]
