"""Long texts of a request, cut out before it is parsed.

While a parser reads a text of many megabytes, Python runs nothing else, not even the answer to
"are you alive?". So a file in base64 is cut out first, piece by piece, and a short text that no
client can know stands in its place.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from io import BytesIO
from itertools import pairwise

from risk_model.signals.long_bytes import PIECE, holds

LONG = 1 << 16  # bytes: a text that is longer is cut out
BASE64 = re.compile(rb"[A-Za-z0-9+/]*={0,2}")


def cut_out(body: bytes) -> tuple[bytes, dict[str, memoryview]]:
    """A JSON body without its long texts in base64, and these by what stands in their place.

    What stands there is longer than a subject or an identifier may be, and refused in such places.
    A slash may have a backslash before it, as some writers of JSON have it.
    """
    body, rest, texts, done = _plain_slashes(body), list[bytes](), dict[str, memoryview](), 0
    for start, end in _long_runs(body):
        if _is_base64(body, start, end):
            stands = secrets.token_hex(16) * 64
            texts[stands] = memoryview(body)[start:end]
            rest += [body[done:start], stands.encode()]
            done = end
    return (b"".join([*rest, body[done:]]), texts) if texts else (body, texts)


def _plain_slashes(body: bytes) -> bytes:
    if len(body) <= LONG or not holds(body, b"\\/") or holds(body, b"\\\\"):
        return body
    written, bounds = BytesIO(), [*range(0, len(body), PIECE), len(body)]
    for i in range(1, len(bounds) - 1):
        bounds[i] -= body[bounds[i] - 1 : bounds[i]] == b"\\"
    written.writelines(body[i:j].replace(b"\\/", b"/") for i, j in pairwise(bounds))
    return written.getvalue()


def _long_runs(body: bytes) -> Iterator[tuple[int, int]]:
    """Start and end of each run of LONG bytes or more between two quotes, and of some shorter."""
    step, at = LONG // 2, 0
    while at < len(body):
        if body.find(b'"', at, at + step) >= 0:
            at += step
            continue
        start, end = body.rfind(b'"', max(at - step, 0), at) + 1, at
        while (found := body.find(b'"', end, end + PIECE)) < 0 and end < len(body):
            end += PIECE
        if start and found >= 0:
            yield start, found
        at = max(found, end)


def _is_base64(body: bytes, start: int, end: int) -> bool:
    pieces = (body[i : min(i + PIECE, end)] for i in range(start, end, PIECE))
    return all(BASE64.fullmatch(piece) for piece in pieces)
