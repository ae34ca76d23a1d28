"""The connection to the API of Proxmox VE, with limits for a response.

The playbooks trust the same certificates (`proxmox_trust`), so the doctor's findings hold for them:
`tests/adapters/test_transport.py` tests both. It reads no settings from the environment.
"""

import ssl
import time
from pathlib import Path
from typing import Any

import requests
from proxmoxer import ProxmoxAPI

from webapp.adapters import proxmox_trust
from webapp.domain.errors import OutsideFailed
from webapp.settings.proxmox import ProxmoxConfig

#: The maximum total time and size of one response.
LONGEST_SECONDS = 10.0
LARGEST_ANSWER = 16 << 20


def trusting(ca_file: Path | None) -> ssl.SSLContext:
    """Return the TLS context for the API. Raises OutsideFailed."""
    try:
        return proxmox_trust.trusting(ca_file)
    except proxmox_trust.BadAuthority as error:
        raise OutsideFailed(
            f"{error}.",
            retry=False,
            what_to_do="proxmox_ca_file names a PEM file: copy /etc/pve/pve-root-ca.pem there.",
        ) from error


def connect(config: ProxmoxConfig) -> ProxmoxAPI:
    """Returns a client for one thread; proxmoxer's sessions are not thread-safe."""
    api = ProxmoxAPI(
        config.host,
        port=config.port,
        user=config.user,
        token_name=config.token_id,
        token_value=config.token_secret,
        verify_ssl=True,
        timeout=LONGEST_SECONDS / 2,
    )
    # The session has no public accessor.
    adapter = _BoundedAdapter(trusting(config.ca_file))
    proxmox_trust.connect_directly(api._store["session"], adapter)
    return api


class _BoundedAdapter(proxmox_trust.TrustingAdapter):
    """Limits a response's total time and size; the timeout of requests applies to each read."""

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
