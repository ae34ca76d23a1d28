"""Refusals of clean-ups, and of a database or machine that this release cannot work with."""

from webapp.texts.marks import Catalogue, Sentence, _

SENTENCES: Catalogue = {
    "not_found.cleanup": Sentence(_("There is no such cleanup.")),
    # -- the database
    "read_only": Sentence(
        _("The database is a replica that takes no writes."),
        _("Point WINUX_DATABASE_URL at the primary server."),
    ),
    "existing_database": Sentence(
        _("There is a portal at %(place)s already, with schema %(schema)s."),
        _("To bring it to this release's schema: ./winux migrate"),
    ),
    "old_schema": Sentence(
        _("The database's schema is older than this release."), _("Run ./winux migrate.")
    ),
    "newer_schema": Sentence(
        _("The database has the schema %(schema)s of a newer release."),
        _("Start that release, or restore a backup made before the upgrade."),
    ),
    "empty_database": Sentence(
        _("The database at %(place)s is empty: there is no portal in it."),
        _(
            "If this is not a new portal, look whether the right disk is mounted and "
            "WINUX_DATABASE_URL is right, or restore a backup. Only for a new portal: "
            "./winux migrate --new"
        ),
    ),
    # -- the machine
    "secrets_on_disk": Sentence(
        _(
            "%(folder)s (WINUX_SECRETS_DIR) lies on a disk (%(kind)s); passwords must "
            "not reach one."
        ),
        _("Set WINUX_SECRETS_DIR to a tmpfs, such as /dev/shm or /run/winux."),
    ),
    "no_key": Sentence(
        _("%(file)s: No such file; it is the key that opens desktops."),
        _(
            "Set WINUX_GUEST_KEY_FILE, or make one and build the template with it: "
            'ssh-keygen -q -t ed25519 -N "" -f %(file)s'
        ),
    ),
    "open_key": Sentence(_("%(file)s can be read by others."), _("chmod 600 %(file)s")),
    "no_program": Sentence(_("%(program)s is not installed."), _("apt install openssh-client")),
}
