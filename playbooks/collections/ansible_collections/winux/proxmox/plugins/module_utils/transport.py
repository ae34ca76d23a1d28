"""TLS trust for the API of Proxmox VE; the environment is not read.

The portal and its doctor use the same rules (`webapp/adapters/proxmox_api.py`, which cannot import
this): a node that the doctor can reach is reachable for a playbook.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

from ansible_collections.winux.proxmox.plugins.module_utils.failures import ProxmoxFailed
from requests.adapters import HTTPAdapter

#: The system's certificate store, besides OpenSSL's default path.
SYSTEM_STORES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")


def take(session: Any, ca_file: str | None) -> None:
    """Make a requests session connect directly, trusting `ca_file` or the system's store."""
    session.trust_env = False
    session.mount("https://", _Adapter(trusting(ca_file)))


def trusting(ca_file: str | None) -> ssl.SSLContext:
    """Return a context that trusts `ca_file` or the system's store; it always checks the name.

    By default Python from 3.13 on refuses an authority without keyUsage, and the authority of
    Proxmox VE has none.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if ca_file:
        _load(context, ca_file)
        return context
    built_in = ssl.get_default_verify_paths()
    if Path(built_in.openssl_capath).is_dir():
        context.load_verify_locations(capath=built_in.openssl_capath)
    for file in filter(Path.is_file, map(Path, (built_in.openssl_cafile, *SYSTEM_STORES))):
        context.load_verify_locations(cafile=str(file))
    return context


def _load(context: ssl.SSLContext, ca_file: str) -> None:
    try:
        context.load_verify_locations(cafile=ca_file)
    except OSError as error:
        raise ProxmoxFailed(
            f"{ca_file} holds no certificate that can be read; proxmox_ca_file names a PEM file: "
            "copy /etc/pve/pve-root-ca.pem of a node there"
        ) from error


class _Adapter(HTTPAdapter):
    """Verifies with our own context; requests would add its own list of authorities."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **options)

    def cert_verify(self, conn: Any, *_args: Any) -> None:
        conn.cert_reqs = "CERT_REQUIRED"
