"""The connection to the API of Proxmox VE: which certificates are trusted, and response limits.

The playbooks connect in the same way (`module_utils/transport.py` of their collection, which cannot
import this), so the doctor's findings hold for them: `tests/adapters/test_transport.py` tests both.
It reads no settings from the environment.
"""

import ssl
import time
from pathlib import Path
from typing import Any

import requests
from proxmoxer import ProxmoxAPI
from requests.adapters import HTTPAdapter

from webapp.domain.errors import OutsideFailed
from webapp.settings.proxmox import ProxmoxConfig

#: The maximum total time and size of one response.
LONGEST_SECONDS = 10.0
LARGEST_ANSWER = 16 << 20
#: The system's certificate stores, in addition to OpenSSL's built-in path.
SYSTEM_STORES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")


def trusting(ca_file: Path | None) -> ssl.SSLContext:
    """Returns a TLS context that trusts `ca_file`, or the system's store; it checks the host name.

    From Python 3.13 on, strict verification rejects an authority without `keyUsage`, which Proxmox
    VE's authority lacks, so it is switched off. A certificate in `ca_file` is trusted by itself,
    as in curl. SSL_CERT_FILE and similar variables are ignored: the playbooks run without them.
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


def _load(context: ssl.SSLContext, ca_file: Path) -> None:
    try:
        context.load_verify_locations(cafile=str(ca_file))
    except OSError as error:
        raise OutsideFailed(
            f"{ca_file} holds no certificate that can be read.",
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
    # The session has no public accessor. The environment's proxies and CA bundles are ignored.
    session = api._store["session"]
    session.trust_env = False
    session.mount("https://", _Adapter(trusting(config.ca_file)))
    return api


class _Adapter(HTTPAdapter):
    """Verifies with the given context, and limits a response's total time and size.

    requests would add its own list of authorities, and its timeout applies to each read.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **options)

    def cert_verify(self, conn: Any, *_args: Any) -> None:
        conn.cert_reqs = "CERT_REQUIRED"

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
