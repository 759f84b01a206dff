"""Demonstrations of mistakes, each run on real patients.

Which mistakes make a clinical model look better than it is, or worse?

`traps` lists them, `traps weights` runs one, `traps --all` makes a page of all. Each is a file that
can be read alone, and each computes its figures anew: what it prints was measured on the reader's
machine. Nothing else in the project needs this folder.
"""

from __future__ import annotations

import difflib
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from risk_model.core.errors import UserError

if TYPE_CHECKING:
    from risk_model.lesson.traps.lesson import Lesson

TRAPS = {  # the data each can be shown on, the first by default, and what it shows
    "accuracy": (("support2",), "flagging nobody is right for 95 of 100 patients"),
    "activation": (("support2",), "sigmoid or softmax before a loss that applies its own"),
    "mode": (("support2",), "scored in train mode, a risk changes with every call"),
    "before_split": (
        ("support2",),
        "columns chosen before the split make noise predict; scaling does next to nothing",
    ),
    "threshold": (("support2",), "a threshold chosen on the test rows fits their luck"),
    "best_of_many": (("support2",), "the best of thirty models by the test rows is the luckiest"),
    "prevalence": (("support2",), "AUPRC calls the group best in which events are common"),
    "weights": (
        ("support2", "diabetes130"),
        "class weights break calibration, and one line mends it",
    ),
    "leak": (("support2",), "columns recorded later turn .74 into .94"),
    "oversampling": (("diabetes130",), "oversampling before the split turns .64 into 1.00"),
    "overlap": (("diabetes130",), "the same patient on both sides of a split: small here, and why"),
    "bins": (("wdbc",), "the same risks, three values of the expected calibration error"),
}
PAGE = Path("generated") / "traps.html"


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
    return demonstrate(name, data or offered[0], cache).text()


def demonstrate(name: str, data: str, cache: str) -> Lesson:
    """Runs one demonstration on its data."""
    lesson: Lesson = import_module(f"{__name__}.{name}").demonstrate(data, cache)
    return lesson


def run_all(cache: str = "") -> str:
    """Runs all demonstrations whose data are at hand, writes PAGE, and says what was left out."""
    from tqdm import tqdm

    from risk_model.data.download import cache_directory
    from risk_model.data.sources.diabetes130 import FILE
    from risk_model.lesson.traps.page import write_traps

    at_hand = (cache_directory(cache) / FILE).exists()
    chosen = {n: data[0] for n, (data, _) in TRAPS.items() if at_hand or data[0] != "diabetes130"}
    bar = tqdm(chosen.items(), desc="traps", disable=None)
    write_traps(PAGE, {name: demonstrate(name, data, cache) for name, data in bar})
    absent = ", ".join(name for name in TRAPS if name not in chosen)
    left_out = f"\nleft out: {absent}; the data are downloaded by traps NAME" if absent else ""
    return f"{PAGE}: {len(chosen)} traps{left_out}"
