"""Posting to an untrusted receiver: closed, slow, endless or wrong answers."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.receiver import Receiver
from webapp.adapters.webhook_post import MOST_BYTES, WebhookPost
from webapp.domain.errors import OutsideFailed
from webapp.domain.webhooks.rules import parse_url

HERE = [ip_network("127.0.0.0/8")]


def post(url: str, *, body: bytes = b"{}", total_seconds: float = 5.0) -> tuple[int | None, str]:
    sender = WebhookPost(HERE, total_seconds)
    answer = sender.send(parse_url(url), {"X-Winux-Event": "test"}, body)
    return answer.status, answer.text


def test_headers_body_and_path_arrive_and_the_answer_comes_back(receiver: Receiver) -> None:
    assert post(receiver.url("/a/b?c=d"), body=b'{"x": 1}') == (200, "thank you")
    (got,) = receiver.received
    assert (got.path, got.body) == ("/a/b?c=d", b'{"x": 1}')
    assert got.headers["X-Winux-Event"] == "test"
    assert got.headers["Host"] == f"127.0.0.1:{receiver.port}"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0.0.0.0", "[::1]"]
)
def test_this_machine_is_closed_however_it_is_written(receiver: Receiver, host: str) -> None:
    with pytest.raises(OutsideFailed, match="public internet"):
        WebhookPost([]).send(parse_url(receiver.url(host=host)), {}, b"{}")
    assert receiver.received == []


def test_a_name_without_an_address_is_said() -> None:
    with pytest.raises(OutsideFailed, match="no address"):
        post("http://nothing.invalid/")


def test_a_redirect_is_an_answer_and_is_not_followed(receiver: Receiver) -> None:
    receiver.status, receiver.location = 302, receiver.url("/elsewhere")
    assert post(receiver.url())[0] == 302
    assert len(receiver.received) == 1


def test_a_proxy_of_the_environment_is_not_used(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert post(receiver.url())[0] == 200


def test_a_long_answer_is_read_to_its_limit_and_made_printable(receiver: Receiver) -> None:
    receiver.answer = b"\x1b[31m" + b"x" * 10_000_000
    status, text = post(receiver.url())
    assert status == 200
    assert len(text) <= MOST_BYTES
    assert "\x1b" not in text


@pytest.mark.parametrize("badness", ["silent", "drips"])
def test_a_slow_receiver_is_cut(receiver: Receiver, badness: str) -> None:
    receiver.drips = badness == "drips"
    receiver.seconds = 0.0 if receiver.drips else 3.0
    begun = time.monotonic()
    with pytest.raises(OutsideFailed, match="did not answer in time"):
        post(receiver.url(), total_seconds=0.7)
    assert time.monotonic() - begun < 2


def test_nobody_at_the_port_is_said() -> None:
    with pytest.raises(OutsideFailed, match="cannot be reached"):
        post("http://127.0.0.1:9/")


# -- TLS ----------------------------------------------------------------------------------------


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Create a self-signed certificate for 127.0.0.1, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "receiver")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "certificate.pem"
    file.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return file


@pytest.fixture
def tls_receiver(certificate: Path) -> Iterator[Receiver]:
    made = Receiver(certificate)
    yield made
    made.close()


def test_a_certificate_that_nobody_trusts_is_refused(tls_receiver: Receiver) -> None:
    with pytest.raises(OutsideFailed, match="certificate is not good"):
        post(tls_receiver.url(scheme="https"))
    assert tls_receiver.received == []


def test_a_trusted_certificate_must_have_the_right_name(
    tls_receiver: Receiver, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert post(tls_receiver.url(scheme="https")) == (200, "thank you")
    with pytest.raises(OutsideFailed, match="certificate is not good"):
        post(tls_receiver.url(scheme="https", host="127.1"))


def test_a_tls_receiver_that_drips_is_cut_too(
    tls_receiver: Receiver, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    tls_receiver.drips = True
    begun = time.monotonic()
    with pytest.raises(OutsideFailed):
        post(tls_receiver.url(scheme="https"), total_seconds=1.0)
    assert time.monotonic() - begun < 3
