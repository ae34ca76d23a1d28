"""The texts of the desktop viewer's script, in the person's language.

The script fills in `%d`, `%s`, `%t` and `%r`. The keys of endings are the gateway's close codes,
some followed by a colon and the detail.
"""

from typing import Any

from webapp.web.language import _


def view_words() -> dict[str, Any]:
    """Return all texts, for the page's settings."""
    return {
        "steps": {
            "viewer": _("Loading the viewer"),
            "signIn": _("Signing in to the desktop"),
            "picture": _("Waiting for the first picture"),
        },
        "reconnecting": _("Reconnecting"),
        "in": _("Trying again in %d s."),
        "now": _("Trying again now."),
        "left": {
            "seconds": _("%d s left"),
            "minutes": _("%d min left"),
            "hours": _("%d:%d h left"),
        },
        "unreachable": _("The portal cannot be reached."),
        "signedOut": _("You are signed out."),
        "signIn": _("Sign in"),
        "extend": _("Extend"),
        "extendBy": _("Extend by %d min"),
        "extended": _("Extended."),
        "later": _("Later"),
        "endsSoon": _("This desktop ends in %d min. Everything in it is then erased."),
        "idleSoon": _("Nobody has used this desktop for a while; it ends soon."),
        "here": _("I am here"),
        "quality": _("%t ms · %r"),
        "typing": _("Type now with the on-screen keyboard or input method."),
        "untypable": _("This keyboard layout has no key for: %s"),
        "untypableGiven": _(
            "This keyboard layout has no key for: %s. It is in the desktop's clipboard: paste it."
        ),
        "popupBlocked": _("The browser blocks new windows of this page. Allow them and try again."),
        "poppedOut": [_("It is in a separate window"), _("You can bring it back here.")],
        "disconnected": [_("Disconnected"), _("The desktop continues; nothing in it is lost.")],
        "resuming": [_("Your desktop is being resumed"), _("This takes a few seconds.")],
        "clipboard": _clipboard(),
        "endings": _endings(),
    }


def _clipboard() -> dict[str, str]:
    return {
        "ask": _(
            "Share the clipboard with this desktop? Text that you copy here can then be pasted "
            "there, and the other way round. The browser may ask you too."
        ),
        "share": _("Share"),
        "notNow": _("Not now"),
        "on": _("The clipboard is shared: press to stop"),
        "off": _("The clipboard is not shared: press to share it"),
        "tooLong": _("That text is too long for the clipboard (over a million characters)."),
        "forbidden": _("This template does not allow the clipboard"),
    }


def _endings() -> dict[str, list[str]]:
    """Return title and text for each way a connection can end."""
    kept = _("The desktop continues; nothing in it is lost.")
    gone = _("Everything in it was erased.")
    broken = [_("The connection broke"), kept]
    return {
        "1000": [_("You were signed out of the desktop"), _("Reconnect to sign in to it again.")],
        "1001": [_("The gateway is restarting"), kept],
        "1002": broken,
        "1006": broken,
        "1009": broken,
        "4400": [
            _("The viewer and the gateway disagree about the protocol"),
            _("Reload the page."),
        ],
        "4401": [_("The connection's ticket was no longer valid"), kept],
        "4404": [_("This desktop no longer exists"), ""],
        "4408": [_("It took too long to connect"), kept],
        "4409": [_("The desktop is not ready"), _("It is still being made.")],
        "4410": [_("This desktop has ended"), gone],
        "4410:asked": [_("This desktop was stopped"), gone],
        "4410:expired": [_("This desktop's time was up"), gone],
        "4410:idle": [_("This desktop ended because nobody used it"), gone],
        "4410:policy": [_("A rule of this site ended this desktop"), gone],
        "4410:admin": [_("An administrator stopped this desktop"), gone],
        "4410:lost": [_("This desktop disappeared from the server"), gone],
        "4410:failed": [_("This desktop failed"), gone],
        "4411": [_("An administrator cut this connection"), kept],
        "4412": [_("This desktop was opened in another window"), _("Only one window can show it.")],
        "4413": [_("You were signed out"), kept],
        "4414": [
            _("This desktop is paused"),
            _("Its files and its remaining time are kept. Its programs have ended."),
        ],
        "4420": [
            _("This connection used too much processor time"),
            _("Your desktop and its files are kept. Close programs in it that redraw constantly."),
        ],
        "4423": [
            _("The desktop's certificate is not the expected one"),
            _("For security, nothing was sent to it. Contact the people who run this site."),
        ],
        "4429": [
            _("You have too many connections open"),
            _("Close one of the other windows, then reconnect."),
        ],
        "4502": [_("The desktop does not answer"), kept],
        "4503": [_("The gateway is busy"), kept],
        "4504": [_("The connection stopped responding"), kept],
    }
