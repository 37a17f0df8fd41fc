"""What the simulated vision tower sees: the colour of the first pixel of a PNG. Enough to tell a picture from none."""

import base64
import binascii
import struct
import zlib
from typing import Any

__all__ = ["describe_picture"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_TRUE_COLOUR = 2
_MAX_ROW_BYTES = 65_536
_COLOURS = {
    "red": (255, 0, 0),
    "green": (0, 128, 0),
    "blue": (0, 0, 255),
    "yellow": (255, 255, 0),
    "white": (255, 255, 255),
    "black": (0, 0, 0),
}


def describe_picture(part: dict[str, Any]) -> str:
    """A word for the picture in a content part, such as ``red``; ``something`` for what cannot be read."""
    held = part.get("image_url")
    url = held.get("url") if isinstance(held, dict) else held
    _, found, data = str(url).partition(";base64,")
    try:
        pixel = _read_first_pixel(base64.b64decode(data, validate=True)) if found else None
    except (binascii.Error, zlib.error, struct.error):
        pixel = None
    if pixel is None:
        return "something"
    return min(_COLOURS, key=lambda name: sum((a - b) ** 2 for a, b in zip(_COLOURS[name], pixel, strict=True)))


def _read_first_pixel(png: bytes) -> tuple[int, int, int] | None:
    if not png.startswith(_SIGNATURE):
        return None
    at, data, kind = len(_SIGNATURE), b"", None
    while at + 8 <= len(png):
        size, name = struct.unpack(">I4s", png[at : at + 8])
        body = png[at + 8 : at + 8 + size]
        if name == b"IHDR":
            kind = body[9]
        elif name == b"IDAT":
            data += body
        at += 12 + size
    row = zlib.decompressobj().decompress(data, _MAX_ROW_BYTES)
    if kind != _TRUE_COLOUR or len(row) < 4:
        return None
    return row[1], row[2], row[3]  # behind the filter byte, which does not change a first pixel
