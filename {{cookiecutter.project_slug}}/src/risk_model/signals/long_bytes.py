"""Work on many bytes in short pieces, between which other threads may run.

Python's own calls on bytes keep every other thread waiting until they end.
"""

from __future__ import annotations

import binascii
from io import BytesIO

PIECE = 1 << 18  # bytes; a multiple of four


def holds(content: bytes, sought: bytes) -> bool:
    """Whether these bytes stand somewhere in the content."""
    starts = range(0, len(content), PIECE)
    return any(content.find(sought, i, i + PIECE + len(sought) - 1) >= 0 for i in starts)


def from_base64(text: memoryview) -> bytes:
    """The bytes that a text of base64's letters stands for.

    Raises:
        binascii.Error: padding is wrong, or stands before the end.
    """
    content = BytesIO()
    for start in range(0, len(text), PIECE):
        piece = bytes(text[start : start + PIECE])
        if b"=" in piece and start + PIECE < len(text):
            raise binascii.Error("padding before the end")
        content.write(binascii.a2b_base64(piece))
    return content.getvalue()
