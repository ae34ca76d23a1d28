"""Surface commands in fast-path output: xrdp's pictures (MS-RDPBCGR 2.2.9.1.2, 2.2.9.2).

Only RemoteFX messages whose region IronRDP would clip wrongly are changed. Where that would be much
work, the tiles are requested again instead (`partial_tiles`). Frames are counted to detect whether
the browser keeps up.
"""

import struct
from collections.abc import Iterator

from webapp.gateway.connection.wire import Octets, Reader
from webapp.gateway.rdp.partial_tiles import PartialTiles
from webapp.gateway.rdp.pdu import remotefx
from webapp.gateway.rdp.pdu.fastpath import UPDATE_HEADER, check_updates
from webapp.gateway.rdp.pdu.work import Work

_SURFACE_COMMANDS = 4
"""updateCode FASTPATH_UPDATETYPE_SURFCMDS."""
_SINGLE, _LAST, _FIRST, _NEXT = 0, 1, 2, 3
_FOLLOWING = frozenset({_LAST, _NEXT})
_MARKER, _MARKER_SIZE, _BEGIN, _END = 4, 8, 0, 1
"""cmdType CMDTYPE_FRAME_MARKER, its size, and its frameAction (2.2.9.2.3)."""
_BITS = frozenset({1, 6})
"""cmdType CMDTYPE_SET_SURFACE_BITS and CMDTYPE_STREAM_SURFACE_BITS."""
_BITS_HEADER = 22
"""Command type, destination, and TS_BITMAP_DATA_EX up to the data."""
_SIZE_AT, _LENGTH_AT = 14, 18
"""Offsets of the picture's size, which xrdp sets to that of the whole screen, and length."""
_FLAGS_AT = 11
_EXTENDED = 1
"""flags EX_COMPRESSED_BITMAP_HEADER_PRESENT."""
_LARGEST_FIXED = 1 << 18
"""Largest command to mend, in bytes; larger ones are pictures, not thin frames or corners."""
_LOOKS_OF_A_STEP = 4
_FRAGMENT = 16_000
"""Bytes in each fragment that the gateway writes; clients accept up to 32767."""


class RegionFixer:
    """Follows the updates of one connection; stores at most one command, while it mends it."""

    def __init__(self, work: Work) -> None:
        self.partial = PartialTiles()
        self.frame = -1
        """The last frame that arrived completely."""
        self.is_in_frame = False
        self._work = work
        self._screen = (0, 0)
        self._lost: list[list[remotefx.Rectangle]] = []
        self._command = bytearray()

    def resize(self, width: int, height: int) -> None:
        """Set the announced screen size; pictures of another size are not parsed."""
        self._screen = (width, height)
        self.partial.resize(width, height)

    def take(self, pdu: Octets) -> list[Octets]:
        """Return the PDUs to send in place of a fast-path PDU: itself, mended, or with others.

        Raises ProtocolError unless the PDU is a sequence of whole updates.
        """
        start = check_updates(pdu, self._work)
        if start + UPDATE_HEADER > len(pdu) or pdu[start] & 0x0F != _SURFACE_COMMANDS:
            return [pdu]
        fragment = pdu[start] >> 4
        if fragment in _FOLLOWING and not self._lost:
            return [pdu]
        data_at = start + UPDATE_HEADER
        if data_at + struct.unpack_from("<H", pdu, start + 1)[0] != len(pdu):
            return [pdu]  # several updates in one PDU: xrdp never sends those with surface bits
        if fragment in (_SINGLE, _FIRST):
            pdu = self._begin(pdu, data_at)
        if not self._lost:
            return [pdu]
        self._command += pdu[data_at:]
        if len(self._command) > _LARGEST_FIXED:
            self._give_up()
            return [pdu]
        return [pdu, *self._finish()] if fragment in (_SINGLE, _LAST) else [pdu]

    def _begin(self, pdu: Octets, data_at: int) -> Octets:
        """Parse a command's first bytes; take out the rectangles that IronRDP would lose."""
        self._lost = []
        self._command.clear()
        head = bytes(pdu[data_at : data_at + _BITS_HEADER])
        if head[:2] == struct.pack("<H", _MARKER) and len(head) >= _MARKER_SIZE:
            self._mark(*struct.unpack_from("<HI", head, 2))
            return pdu
        if len(head) < _BITS_HEADER or struct.unpack_from("<H", head)[0] not in _BITS:
            return pdu
        if head[_FLAGS_AT] & _EXTENDED or struct.unpack_from("<HH", head, _SIZE_AT) != self._screen:
            return pdu
        place = data_at + _BITS_HEADER
        message = bytes(pdu[place:])
        region = remotefx.find_region(message)
        if region is None:
            return pdu
        if region.count > remotefx.MOST_RECTANGLES:
            self.partial.doubt_all()
            return pdu
        self._work.spend(region.count)
        self.partial.drawn(region.rectangles, self._work)
        self._lost = remotefx.split_bands(region.rectangles)
        if not self._lost:
            return pdu
        if len(self._lost) > remotefx.MOST_GROUPS:
            self._give_up()
            return pdu
        lost = [one for group in self._lost for one in group]
        return bytes(pdu[:place]) + remotefx.without(message, region, lost)

    def _give_up(self) -> None:
        """Skip mending, which would be much work; request the whole screen again later."""
        self._lost = []
        self._command.clear()
        self.partial.doubt_all()

    def _mark(self, action: int, frame: int) -> None:
        self.is_in_frame = action == _BEGIN
        if action == _END:
            self.frame = frame

    def _finish(self) -> Iterator[bytes]:
        """Yield the PDUs that draw the rectangles that were taken out."""
        reader = Reader(bytes(self._command))
        head = reader.take(_BITS_HEADER)
        message = reader.take(struct.unpack_from("<I", head, _LENGTH_AT)[0])
        groups, self._lost = self._lost, []
        self._command.clear()
        looks = remotefx.count_tiles(message) * sum(map(len, groups))
        if looks > remotefx.MOST_LOOKS:
            self._give_up()
            return
        self._work.spend(looks // _LOOKS_OF_A_STEP + len(groups))
        for group in groups:
            part = remotefx.only(message, group)
            yield from _updates(head[:_LENGTH_AT] + struct.pack("<I", len(part)) + part)


def _updates(command: bytes) -> Iterator[bytes]:
    """Yield the fast-path PDUs that carry a surface command."""
    pieces = [command[at : at + _FRAGMENT] for at in range(0, len(command), _FRAGMENT)]
    for number, piece in enumerate(pieces):
        if len(pieces) == 1:
            fragment = _SINGLE
        elif number == 0:
            fragment = _FIRST
        else:
            fragment = _LAST if number == len(pieces) - 1 else _NEXT
        update = struct.pack("<BH", fragment << 4 | _SURFACE_COMMANDS, len(piece)) + piece
        yield struct.pack(">BH", 0, 0x8000 | len(update) + 3) + update
