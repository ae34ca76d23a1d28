"""Compares the page's canvas with the framebuffer inside the desktop, tile by tile."""

from __future__ import annotations

import base64
import struct
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Page

from bench.inside import Inside, Pixels

#: The tiles of RemoteFX ([MS-RDPRFX] 3.1.8.1).
TILE = 64
#: The minimum PSNR of each tile in dB, as the codec may be lossy.
LEAST_PSNR_DB = 30.0
#: The value for equal tiles, which have no finite one.
EQUAL_DB = 99.0

READ_CANVAS = """() => {
  const canvas = document.querySelector("[data-view-canvas]");
  const { width, height } = canvas;
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  let text = "";
  for (let at = 0; at < data.length; at += 0x8000) {
    text += String.fromCharCode(...data.subarray(at, at + 0x8000));
  }
  return [width, height, btoa(text)];
}"""


@dataclass(frozen=True)
class Comparison:
    """PSNR in dB for each tile, rows × columns; -1 everywhere when the sizes differ."""

    tiles: NDArray[np.float64]

    @property
    def worst_db(self) -> float:
        return float(self.tiles.min())

    @property
    def is_right(self) -> bool:
        return self.worst_db >= LEAST_PSNR_DB

    @property
    def wrong(self) -> list[tuple[int, int, float]]:
        """Return wrong tiles as column, row, dB; the worst first."""
        rows, columns = np.nonzero(self.tiles < LEAST_PSNR_DB)
        found = [
            (int(column), int(row), round(float(self.tiles[row, column]), 1))
            for row, column in zip(rows, columns, strict=True)
        ]
        return sorted(found, key=lambda tile: tile[2])


def canvas_of(page: Page) -> Pixels:
    """Return the page's picture of the desktop, in the desktop's pixels."""
    width, height, text = page.evaluate(READ_CANVAS)
    pixels = np.frombuffer(base64.b64decode(text), np.uint8)
    return pixels.reshape(height, width, 4)[:, :, :3]


def keep(pixels: Pixels, file: Path) -> None:
    """Write a picture as a PNG file ([PNG] 11.2: truecolour, 8 bits, no filter)."""
    height, width, _ = pixels.shape
    rows = np.zeros((height, 1 + width * 3), np.uint8)
    rows[:, 1:] = pixels.reshape(height, width * 3)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes())), (b"IEND", b"")]
    packed = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    ]
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(packed))


def compare(seen: Pixels, true: Pixels) -> Comparison:
    """Compare each tile of the displayed picture with the true one."""
    if seen.shape != true.shape:
        return Comparison(np.full((1, 1), -1.0))
    height, width, _ = true.shape
    squares = (seen.astype(np.float64) - true.astype(np.float64)) ** 2
    tiles = [
        [_psnr(squares[top : top + TILE, left : left + TILE]) for left in range(0, width, TILE)]
        for top in range(0, height, TILE)
    ]
    return Comparison(np.array(tiles))


def settled(page: Page, inside: Inside, *, timeout_s: float = 30) -> Comparison:
    """Return the comparison once the picture is right, or the last one before the timeout.

    A picture that is still being updated is not wrong yet: only the final one counts.
    """
    return _until_right(lambda: compare(canvas_of(page), inside.framebuffer()), timeout_s)


def _until_right(look: Callable[[], Comparison], timeout_s: float) -> Comparison:
    give_up = time.monotonic() + timeout_s
    while not (found := look()).is_right and time.monotonic() < give_up:
        time.sleep(0.3)
    return found


def _psnr(squares: NDArray[np.float64]) -> float:
    error = float(squares.mean())
    return EQUAL_DB if error == 0 else min(EQUAL_DB, 10 * float(np.log10(255**2 / error)))
