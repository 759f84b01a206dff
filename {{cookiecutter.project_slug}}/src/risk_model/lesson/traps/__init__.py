"""Five demonstrations of mistakes, each run on real patients.

Which mistakes make a clinical model look better than it is?

`traps` lists them, `traps weights` runs one. Each is a file that can be read alone, and each
computes its figures anew: what it prints was measured on the reader's machine. Nothing else in the
project needs this folder.
"""

from __future__ import annotations

import difflib
from importlib import import_module
from typing import TYPE_CHECKING

from risk_model.core.errors import UserError

if TYPE_CHECKING:
    from risk_model.lesson.traps.lesson import Lesson

TRAPS = {  # the data each can be shown on, the first by default, and what it shows
    "weights": (
        ("support2", "diabetes130"),
        "class weights break calibration, and one line mends it",
    ),
    "leak": (("support2",), "columns recorded later turn .74 into .94"),
    "oversampling": (("diabetes130",), "oversampling before the split turns .64 into 1.00"),
    "overlap": (("diabetes130",), "the same patient on both sides of a split: small here, and why"),
    "bins": (("wdbc",), "the same risks, three values of the expected calibration error"),
}


def listing() -> str:
    """The demonstrations, one a line, with the data that each is shown on."""
    lines = [f"{name:14}{said} ({' or '.join(data)})" for name, (data, said) in TRAPS.items()]
    return "\n".join([*lines, "", "diabetes130 is downloaded once, 3 MB; the others are at hand."])


def run(name: str, data: str = "", cache: str = "") -> str:
    """Runs one demonstration, a minute at most on one core, and returns what to print.

    `data` chooses among the demonstration's data sets; `cache` is where downloads are kept, as in
    the settings. UserError when there is no such demonstration, when it is not shown on this data,
    or when a download fails.
    """
    if name not in TRAPS:
        close = difflib.get_close_matches(name, TRAPS, n=1)
        hint = f"did you mean '{close[0]}'?" if close else f"choose one of {', '.join(TRAPS)}"
        raise UserError(f"traps: there is no demonstration '{name}'; {hint}")
    offered, _ = TRAPS[name]
    if data and data not in offered:
        raise UserError(
            f"traps {name}: --data {data}: is not shown on it; use {' or '.join(offered)}"
        )
    lesson: Lesson = import_module(f"{__name__}.{name}").demonstrate(data or offered[0], cache)
    return lesson.text()
