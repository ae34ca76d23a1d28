"""Refusals of commands, which nothing else refuses."""

from webapp.texts.marks import Catalogue, Sentence, _

SENTENCES: Catalogue = {
    "bad_input.desktop_password": Sentence(
        _("A desktop's password has 8 to 128 printable characters and no colon.")
    ),
    "bad_input.key_days": Sentence(_("A key lives 1 to 3650 days, or (0) until it is revoked.")),
    "bad_input.passwords_differ": Sentence(_("The two passwords differ."), _("Try again.")),
    "not_found.key_prefix": Sentence(_("There is no key that begins with wx_%(prefix)s.")),
    "no_domain": Sentence(
        _("Desktops have no names."), _("Set WINUX_DESKTOP_DOMAIN; see docs/admin/names.md.")
    ),
    "no_playbooks": Sentence(_("%(path)s does not exist.")),
    "no_template.option": Sentence(
        _("--%(option)s is missing."),
        _(
            "Give --name, --vmid and --version, or --from with the result_file of "
            "playbooks/template-build.yml."
        ),
    ),
    "no_template.unreadable": Sentence(_("%(file)s cannot be read: %(trouble)s.")),
    "no_template.not_a_result": Sentence(_("%(file)s is no result of template-build.yml.")),
}
