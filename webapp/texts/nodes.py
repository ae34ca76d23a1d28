"""Refusals about nodes, VM ids and addresses."""

from webapp.texts.marks import Catalogue, Sentence, _

_LATER = _("Try again when a desktop has ended, or ask an administrator for more.")

SENTENCES: Catalogue = {
    "not_found.node": Sentence(_("No worker has seen a node '%(name)s'.")),
    "no_vmid": Sentence(_("All %(count)s VM ids (%(first)s–%(last)s) are in use."), _LATER),
    "no_address.pool": Sentence(_("All addresses (%(first)s–%(last)s) are in use."), _LATER),
}
