"""A reached limit as the launch page shows it: what runs, and buttons to make room."""

from collections.abc import Sequence
from dataclasses import dataclass

from webapp.domain.desktops.launch_limits import LimitReached, RunningDesktop, close
from webapp.models import Template
from webapp.web.desktops.view import DesktopView
from webapp.web.forms import LaunchForm
from webapp.web.language import _
from webapp.web.words import clock_face, short


@dataclass(frozen=True)
class Closable:
    """One desktop that counts towards the limit; the person can use it or stop it."""

    desktop: DesktopView
    age: str
    way: str
    """The value of its button, which stops it to make room."""

    @property
    def left(self) -> str:
        return clock_face(self.desktop.left.left) if self.desktop.left else ""

    @property
    def loss(self) -> str:
        """What stopping it loses."""
        return self.desktop.loss


@dataclass(frozen=True)
class LimitPanel:
    """The panel's content; `form` keeps the person's choices."""

    reached: LimitReached
    closables: list[Closable]
    to_open: DesktopView | None
    """A ready desktop of the same template."""
    templates: list[Template]
    """The templates to launch: the requested one, or all."""
    form: LaunchForm

    @property
    def title(self) -> str:
        title = self._title()
        if going := self.reached.stopping:
            title = _("%(title)s, and %(count)s still stopping", title=title, count=going)
        return title

    def _title(self) -> str:
        numbers = {"count": len(self.reached.running), "limit": self.reached.limit}
        if self.reached.reason == "template_limit":
            title = self.templates[0].title
            return _("You have %(count)s of %(limit)s %(title)s desktops", title=title, **numbers)
        return _("You have %(count)s of %(limit)s desktops", **numbers)

    @property
    def oldest(self) -> Closable | None:
        return self.closables[0] if self.closables else None

    @property
    def kept(self) -> list[tuple[str, str]]:
        """Names and values of the person's choices, for the next request."""
        return [(name, self.form[name].data) for name in LaunchForm.CHOICES if self.form[name].data]


def limit_panel(
    reached: LimitReached,
    desktops: Sequence[DesktopView],
    templates: Sequence[Template],
    form: LaunchForm,
) -> LimitPanel:
    """Return the panel; `desktops` are the person's, `templates` those that can be launched."""
    views = {view.id: view for view in desktops}
    running = [(one, views[one.public_id]) for one in reached.running if one.public_id in views]
    same = (view for one, view in running if one.template == reached.template and view.is_ready)
    asked_for = [one for one in templates if one.name == reached.template]
    return LimitPanel(
        reached=reached,
        closables=[_closable(one, view) for one, view in running if reached.can_make_room],
        to_open=next(same, None),
        templates=asked_for or list(templates),
        form=form,
    )


def _closable(one: RunningDesktop, view: DesktopView) -> Closable:
    return Closable(view, short(view.now - one.launched_at), close(one.public_id))
