"""Refusals of accounts, sign-ins and API keys."""

from webapp.texts.marks import Catalogue, Sentence, _, plural

_SCOPES = _("Choose of %(choices)s.")
_WRONG_PASSWORD = Sentence(_("That is not your password."), _("Type it again."))

SENTENCES: Catalogue = {
    "not_found.person": Sentence(_("There is no person %(name)s.")),
    "not_found.sign_in": Sentence(_("There is no such sign-in.")),
    "not_found.live_sign_in": Sentence(_("That sign-in is over.")),
    "not_found.key": Sentence(_("There is no such key.")),
    # -- accounts
    "bad_input.person_name": Sentence(
        _("A name has 1 to 64 letters, digits and . _ @ + -, and begins with a letter or digit.")
    ),
    "bad_input.person_taken": Sentence(_("There is a person %(name)s already.")),
    "bad_input.person_suspended": Sentence(
        _("%(name)s is suspended."), _("Restore the account first.")
    ),
    "oneself.role": Sentence(
        _("You cannot change your own role."),
        _("Ask another administrator, or use ./winux person role."),
    ),
    "oneself.suspend": Sentence(
        _("You cannot suspend yourself."),
        _("Ask another administrator, or use ./winux person suspend."),
    ),
    "bad_input.password_length": Sentence(
        _("A password has %(shortest)s to %(longest)s characters.")
    ),
    "bad_input.password_nul": Sentence(_("A password cannot hold a NUL character.")),
    "bad_input.password_surrogate": Sentence(_("A password cannot hold half a character.")),
    "bad_input.new_passwords_differ": Sentence(_("The two new passwords differ."), _("Try again.")),
    # -- signing in
    "wrong_password.sign_in": Sentence(
        _("That name and password do not belong together."), _("Check both and try again.")
    ),
    "wrong_password.own": _WRONG_PASSWORD,
    "password_needed": Sentence(
        _("This needs your password again."), _("Type it; it then counts for some minutes.")
    ),
    "too_many_sign_ins": Sentence(_("Too many failed sign-ins."), _("Try again in %(wait)s.")),
    "too_many_keys_tried": Sentence(
        _("Too many wrong API keys came from this address."),
        _("Show a good one, or try again in %(wait)s."),
    ),
    "sign_ins_busy": Sentence(
        _("Very many people are signing in at this moment."), _("Try again in a few seconds.")
    ),
    # -- API keys
    "bad_input.key_name": Sentence(
        plural(
            "A key's name has %(longest)s printable character.",
            "A key's name has 1 to %(longest)s printable characters.",
            by="longest",
        )
    ),
    "bad_input.key_taken": Sentence(
        _("There is a key %(name)s already."), _("Choose another name, or revoke that key first.")
    ),
    "bad_input.key_life": Sentence(_("Choose one of the list.")),
    "bad_input.unknown_scope": Sentence(_("There is no scope %(scope)s."), _SCOPES),
    "bad_input.no_scope": Sentence(_("A key needs a scope."), _SCOPES),
    "bad_input.expiry_zone": Sentence(_("That time names no zone."), _("End it with Z.")),
    "bad_input.expiry_past": Sentence(_("A key must expire in the future.")),
    "forbidden.key_of_others": Sentence(_("People make their keys themselves.")),
    "forbidden.key_makes_keys": Sentence(
        _("A key cannot make keys."), _("Sign in and make it on the page of your account.")
    ),
    "forbidden.admin_scope": Sentence(
        _("Only a key of an operator, auditor or administrator can have the scope admin."),
        _("Choose launch or read."),
    ),
    "too_many_keys": Sentence(
        plural(
            "There is %(most)s key already, as many as a person may have.",
            "There are %(most)s keys already, as many as a person may have.",
            by="most",
        ),
        _("Revoke one that is not needed any more."),
    ),
}
