"""Refusals of launches, extensions and pauses."""

from gettext import NullTranslations

from webapp.domain.desktops.launch_limits import LimitReached
from webapp.texts.marks import Catalogue, Sentence, _, plural
from webapp.texts.words import age

_ANOTHER_NAME = _("Choose another name or leave the field empty.")
_ONE_OF_THE_LIST = _("Choose one of the list.")
_A_NEW_ONE = _("Launch a new one.")
_STOPPING = _("What is stopping counts until it is gone: try again in some seconds.")
_ASK = _("Ask the people who run this site.")
_USE = _("Use one of them, or stop one first: %(running)s.")

SENTENCES: Catalogue = {
    "not_found.desktop": Sentence(_("There is no such desktop.")),
    "not_found.launcher": Sentence(_("There is no such person.")),
    "conflict.desktop": Sentence(_("%(desktop)s changed since you looked.")),
    # -- the choices of a launch
    "bad_input.damaged_form": Sentence(_("The form is damaged."), _ONE_OF_THE_LIST),
    "bad_input.whole_minutes": Sentence(_("That is not a whole number of minutes.")),
    "bad_input.template": Sentence(_("There is no template '%(name)s'."), _ONE_OF_THE_LIST),
    "bad_input.launch_minutes": Sentence(
        _("This desktop can run for 1 to %(longest)s minutes, not %(wanted)s."),
        _("Choose a shorter time; you can extend it while it runs."),
    ),
    "bad_input.user_name_form": Sentence(
        _(
            "An RDP user name starts with a small letter and has at most 31 small letters, "
            "digits, - and _."
        ),
        _ANOTHER_NAME,
    ),
    "bad_input.user_name_reserved": Sentence(
        _("%(name)s is an account or a group of the system itself."), _ANOTHER_NAME
    ),
    "bad_input.keyboard": Sentence(
        _("The keyboard layout '%(layout)s' is not known."), _ONE_OF_THE_LIST
    ),
    "bad_input.make_room": Sentence(
        _("'%(way)s' is no way to make room."),
        _("Say %(oldest)s, or %(one)s and a desktop's id."),
    ),
    # -- limits and room
    "limit": Sentence(_("You have %(count)s of %(limit)s desktops."), _USE),
    "limit.stopping": Sentence(
        plural(
            "You have %(count)s of %(limit)s desktops. %(stopping)s is still stopping.",
            "You have %(count)s of %(limit)s desktops. %(stopping)s are still stopping.",
            by="stopping",
        ),
        _STOPPING,
    ),
    "limit.none": Sentence(_("You have %(count)s of %(limit)s desktops."), _ASK),
    "template_limit": Sentence(_("You have %(count)s of %(limit)s %(template)s desktops."), _USE),
    "template_limit.stopping": Sentence(
        plural(
            "You have %(count)s of %(limit)s %(template)s desktops. %(stopping)s is still "
            "stopping.",
            "You have %(count)s of %(limit)s %(template)s desktops. %(stopping)s are still "
            "stopping.",
            by="stopping",
        ),
        _STOPPING,
    ),
    "template_limit.none": Sentence(
        _("You have %(count)s of %(limit)s %(template)s desktops."), _ASK
    ),
    "launch_rate": Sentence(
        plural(
            "You launched %(launches)s desktop in a short time.",
            "You launched %(launches)s desktops in a short time.",
            by="launches",
        ),
        _("You can launch the next one in %(wait)s."),
    ),
    "reserved": Sentence(
        plural(
            "The last place of this site is kept for people who have no desktop.",
            "The last %(places)s places of this site are kept for people who have no desktop.",
            by="places",
        ),
        _("Stop one of your desktops first, or try again when others have ended."),
    ),
    "full": Sentence(
        _("All desktops of this site are in use."), _("Try again when one has ended.")
    ),
    "busy": Sentence(_("Many people launch right now."), _("Try again in a moment.")),
    "no_room.until_end": Sentence(
        _("There is no room for another desktop right now."),
        _("Try again in %(wait)s, when the next one ends."),
    ),
    "no_room.unknown": Sentence(
        _("There is no room for another desktop right now."), _("Try again in a few minutes.")
    ),
    "no_template.published": Sentence(
        _("No desktop template is published yet."),
        _("An administrator can publish one: see docs/operations."),
    ),
    # -- the time of a desktop
    "bad_input.extension": Sentence(_("Extend by 1 to %(longest)s minutes.")),
    "expired.time": Sentence(_("This desktop's time is up."), _A_NEW_ONE),
    "longest": Sentence(
        _("This desktop already has the longest time, %(longest)s minutes in all."),
        _("Save your work elsewhere and launch a new one."),
    ),
    "not_ready.extend": Sentence(
        _("%(desktop)s is %(state)s, so its time cannot be changed."),
        _("Extend it while it runs, or launch a new one."),
    ),
    # -- pauses
    "no_pause": Sentence(
        _("Desktops of this template cannot be paused."),
        _("Extend it instead, or save your work elsewhere."),
    ),
    "not_ready.pause": Sentence(
        _("%(desktop)s is %(state)s, so it cannot be paused."), _("Pause it while it runs.")
    ),
    "not_paused": Sentence(
        _("%(desktop)s is %(state)s, so it cannot be resumed."),
        _("Look at its page: it may be ready, or gone."),
    ),
    "expired.pause": Sentence(_("This desktop was paused for longer than it is kept."), _A_NEW_ONE),
    "no_room.resume": Sentence(
        _("The server that keeps this desktop has no memory for it right now."),
        _("It stays paused, and nothing in it is lost: try again in %(wait)s."),
    ),
    # -- its password
    "paused": Sentence(
        _("%(desktop)s is paused, so it cannot be opened."),
        _("Resume it first; its files and its password are kept."),
    ),
    "not_ready.credentials": Sentence(
        _("%(desktop)s is %(state)s, so it cannot be opened."),
        _("Wait until it is ready, or launch a new one."),
    ),
}


def running_words(reached: LimitReached, language: NullTranslations) -> str:
    """Returns the desktops that count towards the limit, oldest first, each with its age."""
    text = language.gettext(_("%(desktop)s (%(template)s, %(age)s old)"))
    return ", ".join(
        text
        % {
            "desktop": one.public_id,
            "template": one.template_title,
            "age": age(reached.at - one.launched_at, language),
        }
        for one in reached.running
    )
