"""RDCleanPath: the request with which a browser opens an RDP connection, and its response.

DER, `SEQUENCE` of explicitly tagged fields: [0] version, [1] error, [2] destination, [3] proxy_auth
(our one-time ticket), [4] server_auth, [5] preconnection blob, [6] X.224 PDU, [7] certificates,
[9] server address. As implemented by IronRDP (crate `ironrdp-rdcleanpath`).
"""

from dataclasses import dataclass, field

from webapp.gateway.connection.wire import ProtocolError, Reader, ber

VERSION = 3390
LONGEST = 4096
"""A request is about 150 bytes."""

_INTEGER, _OCTETS, _TEXT, _SEQUENCE = b"\x02", b"\x04", b"\x0c", b"\x30"
_GENERAL = 1
"""RDCleanPathErr.error_code: not an RDP negotiation failure."""


@dataclass(frozen=True)
class Request:
    """A browser's request. `destination` is ignored: the database determines the desktop."""

    ticket: str = field(repr=False)
    x224: bytes


def parse_request(data: bytes) -> Request:
    """Parse the browser's first message. Raises ProtocolError."""
    if len(data) > LONGEST:
        raise ProtocolError("an RDCleanPath request is never that long")
    fields = _fields(data)
    if int.from_bytes(fields.get(0, b""), "big") != VERSION:
        raise ProtocolError("this version of RDCleanPath is not known")
    if 3 not in fields or 6 not in fields:
        raise ProtocolError("an RDCleanPath request needs proxy_auth and an X.224 PDU")
    try:
        return Request(ticket=fields[3].decode("ascii"), x224=fields[6])
    except UnicodeDecodeError as error:
        raise ProtocolError("the ticket is not ASCII") from error


def response(server_address: str, x224: bytes, certificate: bytes) -> bytes:
    """Return the answer to an accepted request: Connection Confirm and certificate (DER)."""
    return ber(
        _SEQUENCE,
        _tagged(0, ber(_INTEGER, _version()))
        + _tagged(6, ber(_OCTETS, x224))
        + _tagged(7, ber(_SEQUENCE, ber(_OCTETS, certificate)))
        + _tagged(9, ber(_TEXT, server_address.encode())),
    )


def refusal(http_status: int) -> bytes:
    """Return the answer to a refused request."""
    status = http_status.to_bytes(2, "big")
    problem = _tagged(0, ber(_INTEGER, bytes([_GENERAL]))) + _tagged(1, ber(_INTEGER, status))
    return ber(
        _SEQUENCE, _tagged(0, ber(_INTEGER, _version())) + _tagged(1, ber(_SEQUENCE, problem))
    )


def _version() -> bytes:
    return VERSION.to_bytes(2, "big")


def _tagged(number: int, content: bytes) -> bytes:
    return ber(bytes([0xA0 | number]), content)


def _fields(data: bytes) -> dict[int, bytes]:
    """Return the contents of the fields by number, without tag and length."""
    outer = Reader(data)
    body = Reader(outer.ber(_SEQUENCE, "RDCleanPath message"))
    if outer.left:
        raise ProtocolError("bytes after the RDCleanPath message")
    fields = {}
    while body.left:
        tag = body.u8()
        if tag & 0xE0 != 0xA0:
            raise ProtocolError("a field without its number")
        content = Reader(body.take(body.ber_length()))
        content.u8()
        fields[tag & 0x1F] = content.take(content.ber_length())
    return fields
