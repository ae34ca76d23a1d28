"""One whole Winux on this machine: lab node, golden template, worker, gateway, web server."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from setup import environment, machine, ownership, packages, vendor
from setup.commands import tail
from setup.failure import SetupFailed
from setup.lab import clean_lab_node, credentials, running_containers, start_lab_node
from setup.portal import GUEST_KEY, Portal
from setup.processes import Child
from setup.progress import Progress
from setup.settings import Settings, cache_dir
from setup.template import GoldenTemplate, build_template, built_template, make_guest_key

#: The number of steps that `prepare_machine` and `start` announce together.
STEPS = 8
#: Space for wheels, environment, root file system and its copies; and for a run after that.
FIRST_DISK_GB, REPEAT_DISK_GB = 8, 1
READY_TIMEOUT_S, TEARDOWN_TIMEOUT_S = 60, 90


class Stack:
    """A stack that is started in steps; `stop` ends all started parts, in any state."""

    def __init__(
        self,
        settings: Settings,
        progress: Progress,
        portal_settings: Mapping[str, str] | None = None,
        lab_options: Sequence[str] = (),
    ) -> None:
        """`portal_settings` and `lab_options` are additional options of its parts."""
        self.settings = settings
        self.lab_options = lab_options
        self.portal_settings = portal_settings
        self.progress = progress
        self.portal: Portal | None = None
        self.children: dict[str, Child] = {}
        self._resting: list[dict[str, Any]] = []
        self.has_network = False

    def check(self) -> None:
        """Raise SetupFailed, before any change, if this machine cannot run the stack."""
        machine.check_root("This")
        is_first = not (self.settings.lab / "template.json").exists()
        needed_gb = FIRST_DISK_GB if is_first else REPEAT_DISK_GB
        for folder in (cache_dir(), self.settings.folder):
            machine.check_disk(folder, needed_gb)
        machine.check_port(self.settings.listen, self.settings.port, f"{self.settings.prefix}PORT")
        machine.check_port(
            self.settings.listen, self.settings.gateway_port, f"{self.settings.prefix}GATEWAY_PORT"
        )
        machine.check_port("127.0.0.1", self.settings.lab_port, f"{self.settings.prefix}LAB_PORT")
        ownership.make_private(ownership.VAR)
        ownership.claim(self.settings.folder, f"{self.settings.prefix}DIR")

    def prepare_machine(self) -> None:
        """Install Debian packages, the virtual environment and the browser's modules."""
        logs = self.settings.logs
        if missing := packages.missing_packages("run"):
            with self.progress.step("Debian packages", 45, logs / "packages.log"):
                packages.install_packages(missing, logs / "packages.log")
        else:
            self.progress.skip("Debian packages")
        machine.check_containers()
        if environment.is_current(environment.VENV, environment.RUN):
            self.progress.skip("Python packages")
        else:
            with self.progress.step("Python packages", 60, logs / "python.log"):
                environment.make_environment(environment.VENV, environment.RUN, logs / "python.log")
        if vendor.is_current():
            self.progress.skip("Browser modules")
            return
        with self.progress.step("Browser modules", vendor.usual_seconds(), logs / "vendor.log"):
            vendor.prepare(logs / "vendor.log")

    def start(self) -> Portal:
        """Start lab node, template, database, worker and web; return when the portal responds."""
        logs = self.settings.logs
        with self.progress.step("Lab node", 3, logs / "labnode.log"):
            self.has_network = True
            self.children["lab node"] = start_lab_node(self.settings, *self.lab_options)
        template = self._template()
        self.portal = portal = Portal(
            self.settings, credentials(self.settings, "portal"), self.portal_settings
        )
        with self.progress.step("Database and worker", 4, logs / "setup.log"):
            portal.migrate()
            portal.publish(template)
            self.children["worker"] = portal.start_worker()
        with self.progress.step("Gateway", 2, logs / "gateway.log"):
            self.children["gateway"] = portal.start_gateway()
        with self.progress.step("Web server", 3, logs / "web.log"):
            self.children["web server"] = portal.start_web()
            self._wait_until_launches_work(portal)
        return portal

    def dead_child(self) -> Child | None:
        """Return a process that ended by itself, if there is one."""
        return next((child for child in self.children.values() if not child.is_running()), None)

    def end_desktops(self) -> None:
        """Let the worker end every desktop; return when the last container is removed.

        Pools stop building; `wake_pools` restores their sizes.
        """
        if self.portal is None:
            return
        self._resting += self.portal.rest_pools()
        for desktop_id in self.portal.live_desktops():
            self.portal.stop_desktop(desktop_id)
        give_up = time.monotonic() + TEARDOWN_TIMEOUT_S
        while self.portal.live_desktops():
            if time.monotonic() > give_up or self.dead_child():
                raise SetupFailed("The worker did not end the desktops.", "Their node is cleaned.")
            time.sleep(0.3)

    def wake_pools(self) -> None:
        """Restore the sizes that pools had before `end_desktops`."""
        if self.portal is not None:
            self.portal.wake_pools(self._resting)
        self._resting = []

    def stop(self) -> None:
        """Stop desktops, processes and network; clean the node if a desktop does not end."""
        self._stop_child("web server")
        self._stop_child("gateway")
        try:
            if {"worker", "lab node"} <= self.children.keys():
                self.end_desktops()
        except SetupFailed as failure:
            print(failure, flush=True)
        self._stop_child("worker")
        self.wake_pools()  # stored in the database for the next start
        self._stop_child("lab node")
        if self.has_network:
            log = self.settings.logs / "clean.log"
            has_leftovers = bool(running_containers(self.settings))
            clean_lab_node(self.settings.lab, log, network_alone=not has_leftovers)
            self.has_network = False

    def _wait_until_launches_work(self, portal: Portal) -> None:
        give_up = time.monotonic() + READY_TIMEOUT_S
        while troubles := portal.troubles():
            if time.monotonic() > give_up or self.dead_child():
                log = self.settings.logs / "worker.log"
                raise SetupFailed(f"The portal is not ready: {troubles}\n{tail(log)}", "See above.")
            time.sleep(0.2)

    def _stop_child(self, name: str) -> None:
        if child := self.children.pop(name, None):
            child.stop()

    def _template(self) -> GoldenTemplate:
        log = self.settings.logs / "template.log"
        make_guest_key(GUEST_KEY, self.settings.logs / "setup.log")
        if template := built_template(self.settings, GUEST_KEY):
            self.progress.skip("Golden template")
            return template
        with self.progress.step("Golden template", 240, log, cache_dir() / "base.log"):
            return build_template(self.settings, GUEST_KEY)
