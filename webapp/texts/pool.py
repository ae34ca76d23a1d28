"""Refusals of pools and their schedules."""

from webapp.texts.marks import Catalogue, Sentence, _, plural

SENTENCES: Catalogue = {
    "bad_input.number_range": Sentence(_("That takes a number from %(lowest)s to %(highest)s.")),
    "bad_input.whole_number": Sentence(_("'%(text)s' is not a whole number.")),
    "bad_input.pool_order": Sentence(
        _(
            "The minimum (%(minimum)s) cannot be more than the target (%(target)s), nor the target "
            "more than the maximum (%(maximum)s)."
        ),
        _("Change the others with it."),
    ),
    "bad_input.pool_age": Sentence(_("A warm desktop may get at least 5 minutes old.")),
    "not_found.schedule": Sentence(_("There is no schedule %(number)s.")),
    "bad_input.schedule_days": Sentence(_("A schedule is for days of the week or for one date.")),
    "bad_input.schedule_desktops": Sentence(
        plural(
            "A schedule of %(template)s takes %(most)s desktop, for that is its pool's maximum.",
            "A schedule of %(template)s takes 1 to %(most)s desktops, for that is its pool's "
            "maximum.",
            by="most",
        ),
        _("Raise the maximum first if you need more."),
    ),
    "bad_input.schedules_full": Sentence(
        plural(
            "%(template)s has %(count)s schedule already.",
            "%(template)s has %(count)s schedules already.",
            by="count",
        ),
        _("Remove those that are over."),
    ),
    "bad_input.schedule_over": Sentence(_("That time is over."), _("Choose a later date.")),
    "bad_input.weekday": Sentence(
        _("'%(text)s' is no day of the week."),
        _("Name some of mon, tue, wed, thu, fri, sat and sun, such as mon-fri."),
    ),
    "bad_input.time_of_day": Sentence(
        _("'%(text)s' is no time of day."), _("Write hours and minutes, such as 10:00.")
    ),
    "bad_input.date": Sentence(
        _("'%(text)s' is no date."), _("Write year, month and day, such as 2026-03-02.")
    ),
}
