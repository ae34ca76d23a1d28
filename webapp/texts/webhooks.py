"""Refusals of webhooks."""

from webapp.texts.marks import Catalogue, Sentence, _, plural

_EVENTS = _("Choose of %(choices)s.")

SENTENCES: Catalogue = {
    "not_found.webhook": Sentence(_("There is no webhook %(number)s.")),
    "not_found.delivery": Sentence(_("There is no such delivery.")),
    "bad_input.url_characters": Sentence(
        _(
            "That is no address for a webhook. It is too long or has characters that an address "
            "cannot have."
        )
    ),
    "bad_input.url_unreadable": Sentence(_("That is no address for a webhook. It cannot be read.")),
    "bad_input.url_scheme": Sentence(
        _("That is no address for a webhook. It begins with https:// (or http://) and a host.")
    ),
    "bad_input.url_parts": Sentence(
        _("That is no address for a webhook. It has no user name, no # and no port 0.")
    ),
    "bad_input.webhook_taken": Sentence(_("There is a webhook to that address already.")),
    "bad_input.unknown_event": Sentence(_("There is no event %(event)s."), _EVENTS),
    "bad_input.no_event": Sentence(_("A webhook needs an event."), _EVENTS),
    "address.closed": Sentence(
        _("%(address)s is not an address of the public internet."),
        _("Allow its network with WINUX_WEBHOOK_NETWORKS if it should be reached."),
    ),
    "address.none": Sentence(_("The host has no address.")),
    "too_many_webhooks": Sentence(
        plural(
            "There is %(most)s webhook already.",
            "There are %(most)s webhooks already.",
            by="most",
        ),
        _("Remove one that is not needed any more."),
    ),
}
