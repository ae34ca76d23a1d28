"""Refusals of templates: publishing and changing them, and launches of one that fails."""

from webapp.texts.marks import Catalogue, Sentence, _, plural

_TRIED_LATER = _("It can be tried again in %(wait)s; until then choose another desktop.")

SENTENCES: Catalogue = {
    "not_found.template": Sentence(_("There is no template '%(name)s'.")),
    "bad_input.template_name": Sentence(
        _("A template's name has 1 to 32 small letters, digits and -.")
    ),
    "bad_input.node_name": Sentence(_("'%(name)s' is no name of a node.")),
    "bad_input.setting_number": Sentence(
        _("%(setting)s takes a number from %(lowest)s to %(highest)s.")
    ),
    "bad_input.setting_text": Sentence(
        plural(
            "%(setting)s takes %(longest)s character.",
            "%(setting)s takes 1 to %(longest)s characters.",
            by="longest",
        )
    ),
    "bad_input.setting": Sentence(_("A template has no '%(setting)s', or it takes another value.")),
    "bad_input.minutes_order": Sentence(_("default_minutes cannot be more than max_minutes.")),
    "resting.trial": Sentence(
        _("%(template)s failed several times and is being tried again right now."),
        _("Try again in a minute, or choose another desktop."),
    ),
    "resting.all": Sentence(
        _("%(template)s failed several times in a row and rests."), _TRIED_LATER
    ),
    "resting.person": Sentence(
        _("%(template)s failed for you several times in a row."), _TRIED_LATER
    ),
}
