"""The portal of a stack: its settings and secrets, its people, its processes."""

from __future__ import annotations

import base64
import http.client
import json
import os
import secrets
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from setup.commands import run_logged
from setup.environment import VENV
from setup.failure import SetupFailed
from setup.processes import Child
from setup.settings import CHECKOUT, Settings
from setup.template import GoldenTemplate
from webapp.env_file import NAME, as_line

READY_TIMEOUT_S = 60
WINUX = str(CHECKOUT / "winux")
DATABASE, ENV_FILE = "winux.db", "winux.env"
GUEST_KEY = CHECKOUT / "var/guest_key"
#: Seconds that a stack keeps a paused desktop: a day.
PAUSES_MINUTES = "1440"


class Portal:
    """Runs `./winux` commands and starts web and worker with the settings of one stack."""

    def __init__(
        self, settings: Settings, node: Mapping[str, str], more: Mapping[str, str] | None = None
    ) -> None:
        """`node` has its `proxmox_*` settings, `more` has settings of this stack that differ."""
        self.settings = settings
        self.log = settings.logs / "setup.log"
        self.environment = self._environment(node) | dict(more or {})
        self.env_file = settings.folder / ENV_FILE
        self._write_env_file()

    def migrate(self) -> None:
        """Create the database or migrate it to the newest schema."""
        is_new = not (self.settings.folder / DATABASE).exists()
        self.command("migrate", *(["--new"] if is_new else []))

    def publish(self, template: GoldenTemplate) -> None:
        """Offer the template to people; known versions are not changed."""
        versions = {(row["vmid"], row["version"]) for row in self.ask("template", "list")}
        if (template.vmid, template.version) not in versions:
            offer = ["--name", template.name, "--vmid", str(template.vmid)]
            kept = ["--max-pause-minutes", PAUSES_MINUTES]
            self.command("template", "publish", *offer, "--version", template.version, *kept)

    def make_person(self, name: str, *, is_admin: bool = False) -> str:
        """Create the account or reset its password; return the new random password."""
        names = {row["name"] for row in self.ask("person", "list")}
        if name in names:
            told = self.ask("person", "passwd", name, "--generate")
        else:
            told = self.ask("person", "add", name, *(["--admin"] if is_admin else []), "--generate")
        return str(told["password"])

    def live_desktops(self) -> list[str]:
        """Return the public ids of the desktops that have not ended."""
        return [row["id"] for row in self.ask("desktop", "list") if row["state"] != "ended"]

    def rest_pools(self) -> list[dict[str, Any]]:
        """Stop all pools from building; return the stopped ones for `wake_pools`."""
        active = [row for row in self.ask("pool", "list") if row["maximum"]]
        self.wake_pools([{**row, "minimum": 0, "target": 0, "maximum": 0} for row in active])
        return active

    def wake_pools(self, pools: Sequence[Mapping[str, Any]]) -> None:
        """Restore the sizes of pools (rows of `./winux pool list`)."""
        for row in pools:
            sizes = {"min": row["minimum"], "target": row["target"], "max": row["maximum"]}
            options = [word for name, size in sizes.items() for word in (f"--{name}", str(size))]
            self.command("pool", "set", row["template"], *options)

    def stop_desktop(self, desktop_id: str) -> None:
        self.command("desktop", "stop", desktop_id)

    def start_worker(self) -> Child:
        command = [WINUX, "worker"]
        log = self.settings.logs / "worker.log"
        return Child("worker", command, log, self.process_environment)

    def start_gateway(self) -> Child:
        """Start the gateway, and return when it responds."""
        log = self.settings.logs / "gateway.log"
        child = Child("gateway", [WINUX, "gateway"], log, self.process_environment)
        try:
            child.wait_until(
                lambda: self._answers(self.settings.gateway_port, "/gateway/ping"),
                READY_TIMEOUT_S,
                "Mend what it says, then run this again.",
            )
        except BaseException:
            child.stop()
            raise
        return child

    def start_web(self) -> Child:
        """Start gunicorn and return when the portal reports that it is ready."""
        address = f"{self.settings.listen}:{self.settings.port}"
        command = [
            str(VENV / "bin/gunicorn"),
            "--bind",
            address,
            "--workers",
            "2",
            "--threads",
            "4",
        ]
        log = self.settings.logs / "web.log"
        child = Child("web server", [*command, "wsgi:app"], log, self.process_environment)
        try:
            child.wait_until(
                lambda: self._answers(self.settings.port, "/healthz"),
                READY_TIMEOUT_S,
                "Mend what it says, then run this again.",
            )
        except BaseException:
            child.stop()
            raise
        return child

    def ask(self, *arguments: str) -> Any:
        """Return the output of a command with --json."""
        command = [WINUX, *arguments, "--json"]
        done = subprocess.run(
            command,
            cwd=CHECKOUT,
            env=self.process_environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            name = " ".join(arguments[:2])
            raise SetupFailed(
                f"`./winux {name}` failed:\n{done.stderr.strip()}", "See the text above."
            )
        return json.loads(done.stdout)

    def command(self, *arguments: str) -> None:
        """Run `./winux …`; raise SetupFailed if it fails."""
        command = [WINUX, *arguments]
        hint = "Mend what it says, then run this again."
        run_logged(command, self.log, hint, self.process_environment)

    def troubles(self) -> str:
        """Return the problems that /readyz reports; empty if launches can work."""
        status, body = self._get(self.settings.port, "/readyz")
        return "" if status == http.HTTPStatus.OK else body

    def _answers(self, port: int, path: str) -> bool:
        return self._get(port, path)[0] == http.HTTPStatus.OK

    def _get(self, port: int, path: str) -> tuple[int, str]:
        """Return status and body; (0, reason) if the portal does not respond."""
        web = http.client.HTTPConnection(self.settings.listen, port, timeout=5)
        try:
            web.request("GET", path)
            answer = web.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            return 0, str(error)
        finally:
            web.close()

    @property
    def process_environment(self) -> dict[str, str]:
        """Return the environment of its processes: only the path of the settings file."""
        kept = {name: value for name, value in self.environment.items() if not is_setting(name)}
        return kept | {"WINUX_ENV_FILE": str(self.env_file)}

    def _write_env_file(self) -> None:
        settings = {name: value for name, value in self.environment.items() if is_setting(name)}
        del settings["WINUX_ENV_FILE"]
        lines = ["# Written at each start; removed when the demo ends."]
        lines += [as_line(name, value) for name, value in sorted(settings.items())]
        _write_private(self.env_file, "\n".join(lines) + "\n")

    def _environment(self, node: Mapping[str, str]) -> dict[str, str]:
        """Return settings as values, secrets as files: no secret is in a process's environment."""
        first, last = self.settings.vmids
        return {
            **{name: os.environ[name] for name in ("HOME", "LANG", "TZ") if name in os.environ},
            "PATH": f"{VENV / 'bin'}:{os.environ['PATH']}",
            "WINUX_ENV_FILE": os.devnull,
            **{name: value for name, value in node.items() if name != "proxmox_api_token_secret"},
            "proxmox_api_token_secret_FILE": self._secret_file(
                "proxmox_api_token_secret", node["proxmox_api_token_secret"]
            ),
            "WINUX_SECRET_KEY_FILE": self._kept_secret("secret_key"),
            "WINUX_ENCRYPTION_KEY_FILE": self._kept_secret("encryption_key"),
            # bridges are unique among stacks on one machine, and so is this
            "WINUX_PORTAL_ID": self.settings.bridge.lower(),
            "WINUX_PUBLIC_URL": self.settings.url,
            "WINUX_GATEWAY_LISTEN": f"{self.settings.listen}:{self.settings.gateway_port}",
            "WINUX_DATABASE_URL": f"sqlite:///{self.settings.folder / DATABASE}",
            "WINUX_RUN_DIR": str(self.settings.folder / "run"),
            "WINUX_GUEST_KEY_FILE": str(GUEST_KEY),
            "WINUX_NETWORK": self.settings.subnet,
            "WINUX_VMID_FIRST": str(first),
            "WINUX_VMID_LAST": str(last),
        }

    def _kept_secret(self, name: str) -> str:
        path = self.settings.folder / "secrets" / name
        if path.exists():
            return str(path)
        return self._secret_file(name, base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())

    def _secret_file(self, name: str, value: str) -> str:
        path = self.settings.folder / "secrets" / name
        _write_private(path, value)
        return str(path)


def is_setting(name: str) -> bool:
    """Whether an environment variable is a setting of the portal or of its node."""
    return NAME.fullmatch(name) is not None


def _write_private(path: Path, text: str) -> None:
    """Write a complete file that only its owner can read."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    part.replace(path)
