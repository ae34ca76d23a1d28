"""Refusals of the audit log."""

from webapp.texts.marks import Catalogue, Sentence, _

SENTENCES: Catalogue = {
    "bad_input.time": Sentence(
        _("%(text)s is no time."), _("Write it as 2026-03-02 or 2026-03-02T09:30.")
    ),
    "bad_input.page_size": Sentence(_("A page has 1 to %(most)s entries.")),
    "bad_input.before_and_after": Sentence(_("Name `before` or `after`, not both.")),
    "bad_input.audit_place": Sentence(_("This is not a valid position in the audit log.")),
    "several": Sentence(_("Several refusals in one entry: they came too fast.")),
}
