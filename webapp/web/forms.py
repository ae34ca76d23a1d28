"""The forms: lengths and types of their fields. The services validate the values."""

from wtforms import BooleanField, Form, PasswordField, SelectChoice, SelectField, StringField
from wtforms.validators import Length, Optional, Regexp

from webapp.domain.desktops.keyboards import KEYBOARD_LAYOUTS
from webapp.domain.errors import BadInput
from webapp.models import Template
from webapp.services.desktops.launch import LaunchRequest
from webapp.web.language import lazy_gettext


class SignInForm(Form):  # type: ignore[misc]  # WTForms ships no types
    """Name and password."""

    name = StringField(
        lazy_gettext("Name"),
        [Length(max=256)],
        render_kw={
            "autocomplete": "username",
            "autocapitalize": "none",
            "spellcheck": "false",
            "maxlength": 64,
            "required": True,
            "autofocus": True,
        },
    )
    password = PasswordField(
        lazy_gettext("Password"),
        [Length(max=1024)],
        render_kw={"autocomplete": "current-password", "maxlength": 256, "required": True},
    )


class PasswordForm(Form):  # type: ignore[misc]  # WTForms ships no types
    """The old password, and the new one twice."""

    old = PasswordField(
        lazy_gettext("Password until now"),
        [Length(max=1024)],
        render_kw={"autocomplete": "current-password", "maxlength": 256, "required": True},
    )
    new = PasswordField(
        lazy_gettext("New password"),
        [Length(max=1024)],
        render_kw={"autocomplete": "new-password", "maxlength": 256, "required": True},
    )
    again = PasswordField(
        lazy_gettext("The same again"),
        [Length(max=1024)],
        render_kw={"autocomplete": "new-password", "maxlength": 256, "required": True},
    )


class LaunchForm(Form):  # type: ignore[misc]  # WTForms ships no types
    """A launch request; every field is optional."""

    #: The fields that the person sees and can correct.
    CHOICES = ("minutes", "keyboard_layout", "rdp_username")

    template = StringField(validators=[Length(max=32)])
    launch_token = StringField(validators=[Length(max=64)])
    reuse = BooleanField()
    make_room = StringField(validators=[Length(max=64)])
    minutes = StringField(
        lazy_gettext("How long (minutes)"),
        [Optional(), Regexp(r"[0-9]{1,5}\Z", message=lazy_gettext("A whole number of minutes."))],
    )
    keyboard_layout = SelectField(
        lazy_gettext("Keyboard"),
        [Length(max=8)],
        choices=[SelectChoice(code, lazy_gettext(name)) for code, name in KEYBOARD_LAYOUTS.items()],
        validate_choice=False,
    )
    rdp_username = StringField(
        lazy_gettext("User name in the desktop"),
        [Length(max=64)],
        render_kw={
            "placeholder": "desktop",
            "autocapitalize": "none",
            "autocomplete": "off",
            "spellcheck": "false",
            "maxlength": 31,
        },
    )

    def offer(self, template: Template) -> None:
        """Fill in the template's default time if none was chosen, and set the maximum."""
        self.minutes.data = self.minutes.data or str(template.default_minutes)
        self.minutes.render_kw = {
            "type": "number",
            "min": 1,
            "max": template.max_minutes,
            "inputmode": "numeric",
        }

    def complaint(self) -> BadInput | None:
        """Return the error of an invalid form, or None if a visible field shows it."""
        if any(self[name].errors for name in self.CHOICES):
            return None
        return BadInput("template", "damaged_form")

    def wish(self) -> LaunchRequest:
        """Return the choices for the launch service."""
        return LaunchRequest(
            template=self.template.data or None,
            minutes=int(self.minutes.data) if self.minutes.data else None,
            rdp_username=self.rdp_username.data or None,
            keyboard_layout=self.keyboard_layout.data or None,
            launch_token=self.launch_token.data or None,
            reuse=self.reuse.data,
            make_room=self.make_room.data or None,
        )


def parse_minutes(text: str) -> int:
    """Parse a whole number of minutes. Raises BadInput. The services check the range."""
    if not (text.isascii() and text.isdigit() and len(text) <= 5):
        raise BadInput("minutes", "whole_minutes")
    return int(text)
