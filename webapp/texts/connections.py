"""Refusals of tickets and connections."""

from webapp.texts.marks import Catalogue, Sentence, _

SENTENCES: Catalogue = {
    "address.not_of_desktops": Sentence(
        _("This desktop's address is not one that desktops may have.")
    ),
    "not_found.connection": Sentence(_("There is no such connection.")),
    "ended.open": Sentence(
        _("%(desktop)s is %(state)s, so it cannot be opened."), _("Launch a new one.")
    ),
    "not_ready.open": Sentence(
        _("%(desktop)s is %(state)s, so it cannot be opened."), _("Wait until it is ready.")
    ),
    "too_many_tickets": Sentence(
        _("You have asked for too many connections in the last half minute."),
        _("Wait a moment and try again."),
    ),
}
