"""Audit entries as sentences: who did what, or was refused what."""

from dataclasses import dataclass

from flask import url_for
from markupsafe import Markup, escape

from webapp.services.audit.log import AuditLine
from webapp.web.language import _, lazy_gettext
from webapp.web.texts.refusals import detail_of

#: Two texts for each action: done, and refused. %(who)s is the actor, %(what)s the object.
SENTENCES = {
    "sign_in": (
        lazy_gettext("%(who)s signed in"),
        lazy_gettext("A sign-in as %(what)s failed"),
    ),
    "sign_out": (lazy_gettext("%(who)s signed out"), ""),
    "sign_in.end": (
        lazy_gettext("%(who)s ended a sign-in of %(what)s"),
        lazy_gettext("%(who)s could not end a sign-in"),
    ),
    "sign_in.confirm": (
        lazy_gettext("%(who)s typed their password again"),
        lazy_gettext("%(who)s typed a wrong password"),
    ),
    "person.change_password": (
        lazy_gettext("%(who)s changed their password"),
        lazy_gettext("%(who)s could not change their password"),
    ),
    "person.end_everything": (
        lazy_gettext("%(who)s signed %(what)s out everywhere"),
        lazy_gettext("%(who)s could not sign %(what)s out everywhere"),
    ),
    "person.add": (
        lazy_gettext("%(who)s made the account %(what)s"),
        lazy_gettext("%(who)s could not make the account %(what)s"),
    ),
    "person.set_password": (
        lazy_gettext("%(who)s set a new password for %(what)s"),
        lazy_gettext("%(who)s could not set a password for %(what)s"),
    ),
    "person.set_role": (
        lazy_gettext("%(who)s changed the role of %(what)s"),
        lazy_gettext("%(who)s could not change the role of %(what)s"),
    ),
    "person.suspend": (
        lazy_gettext("%(who)s suspended %(what)s"),
        lazy_gettext("%(who)s could not suspend %(what)s"),
    ),
    "person.restore": (
        lazy_gettext("%(who)s restored %(what)s"),
        lazy_gettext("%(who)s could not restore %(what)s"),
    ),
    "key.add": (
        lazy_gettext("%(who)s made an API key for %(what)s"),
        lazy_gettext("%(who)s could not make an API key"),
    ),
    "key.revoke": (
        lazy_gettext("%(who)s revoked an API key of %(what)s"),
        lazy_gettext("%(who)s could not revoke an API key"),
    ),
    "key.use": ("", lazy_gettext("An invalid API key was used")),
    "desktop.launch": (
        lazy_gettext("%(who)s launched %(what)s"),
        lazy_gettext("%(who)s could not launch a desktop"),
    ),
    "desktop.warm": (lazy_gettext("%(what)s joined the pool"), ""),
    "desktop.ready": (lazy_gettext("%(what)s became ready"), ""),
    "desktop.extend": (
        lazy_gettext("%(who)s extended %(what)s"),
        lazy_gettext("%(who)s could not extend %(what)s"),
    ),
    "desktop.stop": (
        lazy_gettext("%(who)s stopped %(what)s"),
        lazy_gettext("%(who)s could not stop %(what)s"),
    ),
    "desktop.pause": (
        lazy_gettext("%(who)s paused %(what)s"),
        lazy_gettext("%(who)s could not pause %(what)s"),
    ),
    "desktop.paused": (lazy_gettext("%(what)s was shut down and is kept"), ""),
    "desktop.found_shut_down": (lazy_gettext("%(what)s was found shut down and is kept"), ""),
    "desktop.resume": (
        lazy_gettext("%(who)s resumed %(what)s"),
        lazy_gettext("%(who)s could not resume %(what)s"),
    ),
    "desktop.resumed": (lazy_gettext("%(what)s became ready again"), ""),
    "desktop.found_started": (lazy_gettext("%(what)s was found running and is resumed"), ""),
    "desktop.resume_failed": (lazy_gettext("%(what)s could not be resumed and is kept"), ""),
    "desktop.expire": (lazy_gettext("%(what)s expired"), ""),
    "desktop.end": (lazy_gettext("%(what)s ended, everything in it is erased"), ""),
    "desktop.end_on_close": (
        lazy_gettext("%(who)s chose whether closing the page ends %(what)s"),
        lazy_gettext("%(who)s could not choose what closing the page of %(what)s does"),
    ),
    "desktop.reveal_password": (
        lazy_gettext("%(who)s saw the password of %(what)s"),
        lazy_gettext("%(who)s could not see the password of %(what)s"),
    ),
    "desktop.adopt": (
        lazy_gettext("%(who)s adopted %(what)s"),
        lazy_gettext("%(who)s could not adopt the container %(what)s"),
    ),
    "desktop.adopt_failed": (lazy_gettext("%(what)s could not be adopted"), ""),
    "desktop.assign_failed": (lazy_gettext("%(what)s could not be given to its owner"), ""),
    "desktop.build_failed": (lazy_gettext("%(what)s could not be made"), ""),
    "desktop.lost": (lazy_gettext("%(what)s was found missing"), ""),
    "desktop.moved": (lazy_gettext("%(what)s moved to another node"), ""),
    "connection.ticket": ("", lazy_gettext("%(who)s could not open %(what)s")),
    "connection.open": (lazy_gettext("%(who)s connected to %(what)s"), ""),
    "connection.end": (lazy_gettext("The connection of %(who)s to %(what)s ended"), ""),
    "connection.cut": (
        lazy_gettext("%(who)s cut a connection to %(what)s"),
        lazy_gettext("%(who)s could not cut a connection"),
    ),
    "pool.set": (
        lazy_gettext("%(who)s set the pool of %(what)s"),
        lazy_gettext("%(who)s could not set the pool of %(what)s"),
    ),
    "pool.schedule": (
        lazy_gettext("%(who)s planned desktops of %(what)s"),
        lazy_gettext("%(who)s could not plan desktops of %(what)s"),
    ),
    "pool.unschedule": (
        lazy_gettext("%(who)s removed a schedule of %(what)s"),
        lazy_gettext("%(who)s could not remove a schedule"),
    ),
    "pool.drain": (
        lazy_gettext("%(what)s was taken out of the pool"),
        lazy_gettext("%(who)s could not drain the pool of %(what)s"),
    ),
    "template.publish": (
        lazy_gettext("%(who)s published the template %(what)s"),
        lazy_gettext("%(who)s could not publish the template %(what)s"),
    ),
    "template.remove": (lazy_gettext("The old version of the template %(what)s was removed"), ""),
    "template.set": (
        lazy_gettext("%(who)s changed the template %(what)s"),
        lazy_gettext("%(who)s could not change the template %(what)s"),
    ),
    "node.use": (
        lazy_gettext("%(who)s enabled the node %(what)s"),
        lazy_gettext("%(who)s could not enable the node %(what)s"),
    ),
    "node.drain": (
        lazy_gettext("%(who)s drained the node %(what)s"),
        lazy_gettext("%(who)s could not drain the node %(what)s"),
    ),
    "audit.export": (lazy_gettext("%(who)s exported the audit log as %(what)s"), ""),
    "audit.cut": (lazy_gettext("Old entries of the audit log were deleted: %(what)s"), ""),
    "webhook.add": (
        lazy_gettext("%(who)s added a webhook to %(what)s"),
        lazy_gettext("%(who)s could not add a webhook to %(what)s"),
    ),
    "webhook.enable": (
        lazy_gettext("%(who)s enabled the webhook to %(what)s"),
        lazy_gettext("%(who)s could not enable a webhook"),
    ),
    "webhook.disable": (
        lazy_gettext("%(who)s disabled the webhook to %(what)s"),
        lazy_gettext("%(who)s could not disable a webhook"),
    ),
    "webhook.remove": (
        lazy_gettext("%(who)s removed the webhook to %(what)s"),
        lazy_gettext("%(who)s could not remove a webhook"),
    ),
    "webhook.test": (
        lazy_gettext("%(who)s tried the webhook to %(what)s"),
        lazy_gettext("%(who)s could not try a webhook"),
    ),
    "webhook.retry": (
        lazy_gettext("%(who)s sent a delivery to %(what)s again"),
        lazy_gettext("%(who)s could not send a delivery again"),
    ),
    "api.call": ("", lazy_gettext("%(who)s was refused access to %(what)s")),
    "cleanup.ask": (lazy_gettext("%(who)s requested a cleanup"), ""),
    "page.open": ("", lazy_gettext("%(who)s was refused access to %(what)s")),
    "container.destroy": (lazy_gettext("The leftover container of %(what)s was destroyed"), ""),
    "reservation.free": (lazy_gettext("The leftover reservations of %(what)s were freed"), ""),
    "database.old": (lazy_gettext("The database was found to be older than running desktops"), ""),
}


@dataclass(frozen=True)
class AuditRow:
    """One entry as the table shows it."""

    line: AuditLine
    sentence: Markup
    who: str
    """The person's name for the filter; empty if the actor is not a person."""
    detail: str
    """A refusal's sentence is translated; other details are English."""


def audit_row(line: AuditLine) -> AuditRow:
    """Return the entry as a sentence, with a link to the object's page if it has one."""
    return AuditRow(line, _sentence(line), line.person or "", detail_of(line))


def plain_sentence(line: AuditLine) -> str:
    """Return the entry as a sentence without links, for plain text."""
    return _pattern(line) % {"who": _who(line), "what": line.subject or _("nothing")}


def _sentence(line: AuditLine) -> Markup:
    words = {"who": _strong(_who(line)), "what": _link(line)}
    return escape(_pattern(line)) % words


def _pattern(line: AuditLine) -> str:
    done, refused = SENTENCES.get(line.action, ("", ""))
    words = str(refused if line.is_refused else done)
    # an action of another release: escape its name, which must not be read as a pattern
    return words or f"%(who)s: {line.action.replace('%', '%%')} %(what)s"


def _who(line: AuditLine) -> str:
    if line.person:
        return line.person
    return _("An operator at the machine") if line.role else _("Winux")


def _strong(text: str) -> Markup:
    return Markup("<strong>{}</strong>").format(text)


def _link(line: AuditLine) -> Markup:
    url = _url(line)
    if not url:
        return _strong(line.subject)
    return Markup('<a class="mono" href="{}">{}</a>').format(url, line.subject)


def _url(line: AuditLine) -> str:
    if line.subject_kind == "desktop" and line.subject.startswith("desktop-"):
        return url_for("admin.desktop", public_id=line.subject)
    if line.subject_kind == "template" and not line.is_refused:
        return url_for("admin.pool", name=line.subject)
    if line.subject_kind == "node":
        return url_for("admin.nodes")
    return ""
