"""The file that a playbook writes about a finished desktop: one strict schema."""

from ipaddress import IPv4Interface
from typing import Annotated, Any

import msgspec

from webapp.domain.errors import OutsideFailed
from webapp.ports import BuildResult

Node = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]{0,62}\Z")]
Address = Annotated[str, msgspec.Meta(pattern=r"^[0-9.]{7,15}(/[0-9]{1,2})?\Z")]
HostKey = Annotated[str, msgspec.Meta(pattern=r"^SHA256:[A-Za-z0-9+/]{43}\Z")]
Fingerprint = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
Certificate = Annotated[
    str,
    msgspec.Meta(
        max_length=20_000,
        pattern=r"^-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----\n?\Z",
    ),
]


class Result(msgspec.Struct):
    """The fields of the file that the portal keeps."""

    node: Node
    address: Address
    ssh_host_key_sha256: HostKey
    rdp_certificate_sha256: Fingerprint
    rdp_certificate_pem: Certificate


def parse_result(result: Any) -> BuildResult:
    """Returns a build's result. Raises OutsideFailed if it does not match the schema."""
    try:
        told = msgspec.convert(result, Result)
        IPv4Interface(told.address)
    except (msgspec.ValidationError, ValueError) as error:
        raise OutsideFailed(
            "The playbook ended well but told nothing usable about the desktop.", retry=True
        ) from error
    return BuildResult(**msgspec.structs.asdict(told))
