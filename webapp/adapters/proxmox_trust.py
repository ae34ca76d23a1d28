"""Which certificates of Proxmox VE's API are trusted; no setting is read from the environment.

The playbooks' collection has this module as a symbolic link, because Ansible cannot import the
portal: a node that the portal and its doctor can reach is reachable for a playbook. Therefore
only the standard library and requests may be used here.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

from requests.adapters import HTTPAdapter

#: The system's certificate stores, in addition to OpenSSL's built-in path.
SYSTEM_STORES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")


class BadAuthority(ValueError):
    """The file of the certificate authority cannot be used; the text says so."""


def trusting(ca_file: str | Path | None) -> ssl.SSLContext:
    """Return a TLS context that trusts `ca_file`, or the system's store; it checks the host name.

    From Python 3.13 on, strict verification rejects an authority without `keyUsage`, which Proxmox
    VE's authority lacks, so it is switched off. A certificate in `ca_file` is trusted by itself,
    as in curl. SSL_CERT_FILE and similar variables are ignored. Raises BadAuthority.
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


def _load(context: ssl.SSLContext, ca_file: str | Path) -> None:
    try:
        context.load_verify_locations(cafile=str(ca_file))
    except OSError as error:
        raise BadAuthority(f"{ca_file} holds no certificate that can be read") from error


def connect_directly(session: Any, adapter: TrustingAdapter) -> None:
    """Make a requests session use the adapter for https, without proxies of the environment."""
    session.trust_env = False
    session.mount("https://", adapter)


class TrustingAdapter(HTTPAdapter):
    """Verifies with the given context; requests would add its own list of authorities."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **options)

    def cert_verify(self, conn: Any, *_args: Any) -> None:
        conn.cert_reqs = "CERT_REQUIRED"
