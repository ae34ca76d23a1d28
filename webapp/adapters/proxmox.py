"""Reads what is true from Proxmox VE (or the lab node): `ports.Hypervisor` on proxmoxer."""

import ssl
import threading
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import requests
from proxmoxer import ProxmoxAPI, ResourceException
from proxmoxer.core import AuthenticationError
from requests.adapters import HTTPAdapter

from webapp.config import ProxmoxConfig
from webapp.domain.errors import OutsideFailed
from webapp.ports import Container, Listing

#: One answer may take this long in all, and be this large.
LONGEST_SECONDS = 10.0
LARGEST_ANSWER = 16 << 20


class ProxmoxHypervisor:
    """One node's containers. Safe to use from several threads."""

    def __init__(self, config: ProxmoxConfig) -> None:
        self._config = config
        self._of_thread = threading.local()

    def containers(self, vmids: range) -> Listing:
        """GET /nodes/{node}/lxc; never /cluster/resources, which lags by seconds.

        A token without rights is answered with an empty list, not with a refusal. It always sees
        the template, so a list without anything at all is taken for that.
        """
        rows = _list(self._get("nodes", self._config.node, "lxc"))
        if not rows:
            raise OutsideFailed(
                "Proxmox lists no container at all, not even a template.",
                retry=True,
                what_to_do="Check the token's rights on the pool and the template.",
            )
        containers = [self._listed(row) for row in rows]
        return Listing(
            (one for one in containers if one.vmid in vmids), answered={self._config.node}
        )

    def container(self, vmid: int) -> Container | None:
        """GET …/lxc/{vmid}/config and …/status/current.

        A container that is gone answers 500 `does not exist`, or 403 to a token whose rights come
        from the pool. Either is believed only together with a list that does not have it.
        """
        try:
            config = _object(self._get("nodes", self._config.node, "lxc", vmid, "config"))
            status = _object(
                self._get("nodes", self._config.node, "lxc", vmid, "status", "current")
            )
        except _Answered as answer:
            if answer.is_about_gone and self._is_surely_gone(vmid, answer):
                return None
            raise
        network = dict(parse_qsl(str(config.get("net0", "")).replace(",", "&")))
        return Container(
            vmid=vmid,
            node=self._config.node,
            name=str(config.get("hostname", "")),
            is_running=status.get("status") == "running",
            is_template=bool(config.get("template")),
            description=str(config.get("description", "")),
            lock=config.get("lock"),
            address=network.get("ip"),
            limit_mb=_number(config.get("memory")),
            cores=_number(config.get("cores")),
        )

    # -- what an answer means ---------------------------------------------------------------------

    def _is_surely_gone(self, vmid: int, answer: "_Answered") -> bool:
        if vmid in self.containers(range(vmid, vmid + 1)):
            return False
        return answer.status != 403 or self._may_audit_pool()

    def _may_audit_pool(self) -> bool:
        """Whether the token would see the container, were it in our pool.

        GET /access/permissions?path=/pool/{pool} → {path: {privilege: 1}}.
        """
        path = f"/pool/{self._config.pool}"
        rights = _object(self._get("access", "permissions", path=path))
        return "VM.Audit" in _object(rights.get(path, {}))

    def _listed(self, row: Mapping[str, Any]) -> Container:
        try:
            return Container(
                vmid=int(row["vmid"]),
                node=self._config.node,
                name=str(row.get("name", "")),
                is_running=row["status"] == "running",
                is_template=bool(row.get("template")),
                description=None,
                lock=row.get("lock"),
                address=None,
                limit_mb=_megabytes(row.get("maxmem")),
                cores=_number(row.get("cpus")),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise _garbage() from error

    # -- calls ------------------------------------------------------------------------------------

    def _get(self, *path: str | int, **query: str) -> Any:
        where = f"Proxmox at {self._config.host}:{self._config.port}"
        try:
            return self._api().get("/".join(map(str, path)), **query)
        except ResourceException as error:
            raise _Answered(where, error) from error
        except requests.exceptions.SSLError as error:
            raise OutsideFailed(
                f"{where} has a certificate that is not trusted.",
                retry=False,
                what_to_do="Set proxmox_ca_file to the node's certificate authority "
                "(/etc/pve/pve-root-ca.pem on the node).",
            ) from error
        except requests.exceptions.Timeout as error:
            raise OutsideFailed(f"{where} did not answer in time.", retry=True) from error
        except (requests.exceptions.RequestException, OSError) as error:
            raise OutsideFailed(
                f"{where} cannot be reached.",
                retry=True,
                what_to_do="Check that it runs and that its address and port are right.",
            ) from error
        except (KeyError, TypeError, ValueError, AuthenticationError) as error:
            raise _garbage() from error

    def _api(self) -> ProxmoxAPI:
        """This thread's client: proxmoxer's sessions are not made for several threads."""
        if not hasattr(self._of_thread, "api"):
            self._of_thread.api = _connect(self._config)
        return self._of_thread.api


class _Answered(OutsideFailed):
    """Proxmox answered with an error: 401, 403, 500, 595 …"""

    def __init__(self, where: str, error: ResourceException) -> None:
        self.status = int(error.status_code)
        text = str(error.content).strip()
        self.is_about_gone = self.status == 403 or (self.status == 500 and "does not exist" in text)
        hint = {
            401: "Check the API token: it may be wrong, expired or removed.",
            403: "Check the token's rights; the README lists what it needs.",
        }
        super().__init__(
            f"{where} answered {self.status}: {text[:300]}.",
            retry=self.status not in hint,
            what_to_do=hint.get(self.status, ""),
        )


def _garbage() -> OutsideFailed:
    return OutsideFailed(
        "What answers as Proxmox does not speak its API.",
        retry=True,
        what_to_do="Check proxmox_api_host and proxmox_api_port: a proxy or another service may "
        "answer there.",
    )


def _number(value: Any) -> int | None:
    return int(value) if value else None


def _megabytes(value: Any) -> int | None:
    return int(value) >> 20 if value else None


def _list(data: Any) -> list[Mapping[str, Any]]:
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        raise _garbage()
    return data


def _object(data: Any) -> Mapping[str, Any]:
    # proxmoxer turns an answer that is no JSON into {"errors": its bytes}
    if not isinstance(data, dict) or isinstance(data.get("errors"), bytes):
        raise _garbage()
    return data


def _connect(config: ProxmoxConfig) -> ProxmoxAPI:
    api = ProxmoxAPI(
        config.host,
        port=config.port,
        user=config.user,
        token_name=config.token_id,
        token_value=config.token_secret,
        verify_ssl=str(config.ca_file or ssl.get_default_verify_paths().capath),
        timeout=LONGEST_SECONDS / 2,
    )
    # There is no public way to the session. The environment's proxies and CA bundles are not ours.
    session = api._store["session"]
    session.trust_env = False
    session.mount("https://", _BoundedAdapter())
    return api


class _BoundedAdapter(HTTPAdapter):
    """Reads an answer within a time and a size in all; requests' own time-out is per read."""

    def send(self, request: Any, *_args: Any, **options: Any) -> requests.Response:
        options["stream"] = True
        response = super().send(request, **options)
        deadline = time.monotonic() + LONGEST_SECONDS
        body = b""
        while chunk := response.raw.read1(65_536, decode_content=True):
            body += chunk
            if len(body) > LARGEST_ANSWER:
                response.close()
                raise requests.exceptions.ContentDecodingError("the answer is too large")
            if time.monotonic() > deadline:
                response.close()
                raise requests.exceptions.ReadTimeout("the answer took too long")
        response._content = body
        return response
