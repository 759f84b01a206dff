"""How are two ways of doing one thing compared fairly? In one process, turn by turn, by the median
of the ratios.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median


def seconds(work: Callable[[], object], clock: Callable[[], float] = time.process_time) -> float:
    """Seconds that `work` takes: of this process, which other processes cannot lengthen by waiting,
    unless said.
    """
    start = clock()
    work()
    return clock() - start


def compare(
    what: str, ours: Callable[[], object], theirs: Callable[[], object], turns: int, target: float
) -> float:
    """Runs both once to warm up, then `turns` times in turn; prints and returns how many times
    faster `ours` is.
    """
    seconds(ours), seconds(theirs)
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(turns)]
    ratios = sorted(other / own for own, other in pairs)
    own, other = (median(column) for column in zip(*pairs, strict=True))
    spread = f"{ratios[0]:.2f} to {ratios[-1]:.2f} in {turns} turns"
    print(
        f"{what}: {median(ratios):.2f}x ({spread}; {own:.3f} s against {other:.3f} s; target "
        f"{target:g}x)"
    )
    return median(ratios)
