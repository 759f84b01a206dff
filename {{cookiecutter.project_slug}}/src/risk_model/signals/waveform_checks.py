"""Are a WFDB record's samples the ones that its header was written for: length, sums, format?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from risk_model.core.errors import UserError

# bytes of a sample by format
BYTES = {
    "8": 1.0,
    "16": 2.0,
    "24": 3.0,
    "32": 4.0,
    "61": 2.0,
    "80": 1.0,
    "160": 2.0,
    "212": 1.5,
    "310": 4 / 3,
    "311": 4 / 3,
}
FLAC = ("508", "516", "524")
AGAIN = "export the record again"


def attempt(call: Callable[[], Any], problem: str) -> Any:
    """What the call gives; UserError for whatever a broken file provokes in a library.

    The library's own message may repeat the header.
    """
    try:
        return call()
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"{problem} ({type(error).__name__}); {AGAIN}") from None


def check_size(header: Any, stem: Path, name: str) -> None:
    """UserError where a file holds fewer samples than the header says."""
    if "/" in name or "\\" in name:
        raise UserError("the header names samples in another folder; put them beside the header")
    path = stem.with_name(name)
    if not path.is_file():
        raise UserError(f"there is no {name} beside the header")
    inside = [position for position, other in enumerate(header.file_name) if other == name]
    if inside[-1] - inside[0] >= len(inside):  # wfdb 4.3 takes one lead for another
        raise UserError(
            f"the header lists other leads between those of {name}; write them in order"
        )
    form, start = header.fmt[inside[0]], header.byte_offset[inside[0]] or 0
    per_frame = sum(header.samps_per_frame[position] or 1 for position in inside)
    if form in FLAC:
        if not header.sig_len:
            raise UserError(
                "the header gives no length, without which FLAC is not read; write it into the "
                "header"
            )
        if any(header.skew[position] for position in inside):
            raise UserError(
                f"{name} holds a skewed lead as FLAC, which wfdb does not read; write format 16"
            )
        size, held = 1.0, _flac_samples(path) - start * len(inside)
    elif form in BYTES:
        size, held = BYTES[form], path.stat().st_size - start
    else:
        raise UserError(f"{name} is in a format that is not known; write format 16")
    if held < int((header.sig_len or 0) * per_frame * size):
        raise UserError(
            f"{name} is cut short: it holds fewer samples than the header says; copy it again"
        )


def _flac_samples(path: Path) -> int:
    """How many samples a FLAC file announces, over all of its channels."""
    import soundfile

    info = attempt(lambda: soundfile.info(str(path)), f"{path.name} is no FLAC file")
    return int(info.frames * info.channels)


def check_sums(header: Any, positions: Sequence[int], unskewed: Any) -> None:
    """UserError where a whole lead's sum, in 16 bits and as stored, is not the header's.

    wfdb 4.3 fails to give the stored numbers of format 61, so they are had back from the physical
    ones; there it fails for format 8, which has no number for a gap: any other format does.
    """
    stated = [header.checksum[at] for at in positions]
    if not any(stated):
        return
    unskewed.fmt = ["32" if form == "8" else form for form in unskewed.fmt]
    numbers = attempt(lambda: unskewed.adc(expanded=True), "the samples cannot be summed")
    pairs = zip(stated, numbers, strict=True)
    if any(sum_ is not None and (sum_ - int(lead.sum())) % 65536 for sum_, lead in pairs):
        raise UserError(
            "the samples are not the ones that the header was written for (checksum); copy both "
            "again"
        )
