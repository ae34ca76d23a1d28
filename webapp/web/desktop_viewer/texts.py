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
            "viewer": _("Getting the viewer ready"),
            "signIn": _("Signing in to the desktop"),
            "picture": _("Waiting for the first picture"),
        },
        "reconnecting": _("Connecting again"),
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
        "endsSoon": _("This desktop ends in %d min. What is in it is erased then."),
        "idleSoon": _("Nobody has used this desktop for a while; it ends soon."),
        "here": _("I am here"),
        "quality": _("%t ms · %r"),
        "typing": _("Type now: what the on-screen keyboard or input method gives is typed."),
        "untypable": _("This keyboard layout has no key for: %s"),
        "untypableGiven": _(
            "This keyboard layout has no key for: %s. It is in the desktop's clipboard: paste it."
        ),
        "popupBlocked": _("The browser does not let this page open windows. Allow it, and again."),
        "poppedOut": [_("It is in a window of its own"), _("You can bring it back here.")],
        "disconnected": [_("Disconnected"), _("The desktop goes on; nothing in it is lost.")],
        "resuming": [_("Your desktop is being resumed"), _("It takes some seconds.")],
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
    kept = _("The desktop goes on; nothing in it is lost.")
    gone = _("What was in it is erased.")
    broken = [_("The connection broke"), kept]
    return {
        "1000": [_("You were signed out of the desktop"), _("Reconnect to sign in to it again.")],
        "1001": [_("The gateway restarts"), kept],
        "1002": broken,
        "1006": broken,
        "1009": broken,
        "4400": [_("The viewer and the gateway did not understand each other"), _("Reload.")],
        "4401": [_("The way in was no longer valid"), kept],
        "4404": [_("This desktop is gone"), ""],
        "4408": [_("It took too long to connect"), kept],
        "4409": [_("The desktop is not ready"), _("It is still being made.")],
        "4410": [_("This desktop has ended"), gone],
        "4410:asked": [_("This desktop was stopped"), gone],
        "4410:expired": [_("The time of this desktop was up"), gone],
        "4410:idle": [_("This desktop ended because nobody used it"), gone],
        "4410:policy": [_("A rule of this site ended this desktop"), gone],
        "4410:admin": [_("An administrator stopped this desktop"), gone],
        "4410:lost": [_("This desktop disappeared from the server"), gone],
        "4410:failed": [_("This desktop broke down"), gone],
        "4411": [_("An administrator cut this connection"), kept],
        "4412": [_("This desktop was opened in another window"), _("Only one shows it at a time.")],
        "4413": [_("You were signed out"), kept],
        "4414": [
            _("This desktop is paused"),
            _("Its files are kept, and its time stands still. Its programs have ended."),
        ],
        "4420": [
            _("This connection used too much of the gateway"),
            _("Your desktop and its files are kept. Close what draws without a pause in it."),
        ],
        "4423": [
            _("This desktop does not show the certificate it was made with"),
            _("To be safe nothing was sent to it. Tell the people who run this site."),
        ],
        "4429": [
            _("You have too many connections open"),
            _("Close one of the other windows, then reconnect."),
        ],
        "4502": [_("The desktop does not answer"), kept],
        "4503": [_("The gateway is busy"), kept],
        "4504": [_("The connection went silent"), kept],
    }
