"""Refusals that all requests share."""

from webapp.texts.marks import Catalogue, Sentence, _

SENTENCES: Catalogue = {
    "conflict.row": Sentence(_("Someone else changed this at the same moment.")),
    "forbidden.page": Sentence(_("This needs the right %(right)s.")),
    "forbidden.no_rule": Sentence(_("The page has no access rule.")),
    "forbidden.action": Sentence(
        _("Your role does not allow this."),
        _("Ask an administrator to do it, or for another role."),
    ),
    "forbidden.role": Sentence(_("Your role does not allow this.")),
    "forbidden.key_without_admin": Sentence(
        _("A key without the scope admin cannot do this."),
        _("Sign in and do it on the page of your account."),
    ),
    "scope.key": Sentence(
        _("This needs the scope %(needed)s; the key has %(held)s."),
        _("Make a key with that scope, if you may."),
    ),
    "idempotency_in_flight": Sentence(
        _("A request with this Idempotency-Key is still being answered."),
        _("Repeat it in a moment."),
    ),
    "idempotency_key_reused": Sentence(
        _("This Idempotency-Key was used for another request."),
        _("Make a new key for each request; repeat it with the same body alone."),
    ),
}
