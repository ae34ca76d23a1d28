"""Words that the domain has in English, marked for translators; a test holds the two together.

The domain knows the standard library only, so it cannot mark them itself; the pages show them
through `_()`.
"""

from webapp.web.language import lazy_gettext

WORDS = (
    lazy_gettext("Copying the template"),
    lazy_gettext("Setting size and address"),
    lazy_gettext("Starting the machine"),
    lazy_gettext("Setting up your account"),
    lazy_gettext("Waiting for the screen"),
    lazy_gettext("Shutting the machine down"),
    lazy_gettext("Another desktop is being copied from the same template."),
    lazy_gettext("All nodes are full; it goes on when a desktop ends."),
    lazy_gettext(
        "The template is locked on the node. The people who run this site can see the cure."
    ),
    lazy_gettext("No node that has this template can be used right now."),
    lazy_gettext("English (US)"),
    lazy_gettext("English (UK)"),
    lazy_gettext("French"),
    lazy_gettext("German"),
    lazy_gettext("Polish"),
    lazy_gettext("Spanish"),
    lazy_gettext("Italian"),
    lazy_gettext("Portuguese"),
    lazy_gettext("Belgian"),
    lazy_gettext("Swiss"),
    lazy_gettext("This template keeps no pool."),
    lazy_gettext("The template is not offered."),
    lazy_gettext("The target."),
    lazy_gettext("Nobody launched one in the last hour, so the minimum is enough."),
    lazy_gettext("So many were launched within a few minutes in the last hour."),
    lazy_gettext("A schedule asks for them."),
    lazy_gettext("More are wanted, but this is the maximum."),
    lazy_gettext("More are wanted, but the site's room is left to people."),
)
