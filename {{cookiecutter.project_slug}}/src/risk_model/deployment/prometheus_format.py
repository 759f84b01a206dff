"""The text format of Prometheus, version 0.0.4: samples, histograms, and metrics with their help.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Labels = tuple[tuple[str, str], ...]  # names and values, in the order in which they are written


class Histogram:
    """How many values lay below each bound, and their sum.

    Args:
        bounds: the upper bounds, ascending, in the unit of the values.
    """

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts, self.total = [0] * (len(bounds) + 1), 0.0

    def add(self, value: float) -> None:
        """Counts a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def samples(self, name: str, labels: Labels = ()) -> Iterator[str]:
        """The lines of the format, cumulative as it wants them."""
        below = 0
        for bound, count in zip((*self.bounds, float("inf")), self.counts, strict=True):
            below += count
            edge = "+Inf" if bound == float("inf") else f"{bound:g}"
            yield sample(f"{name}_bucket", (*labels, ("le", edge)), below)
        yield sample(f"{name}_sum", labels, self.total)
        yield sample(f"{name}_count", labels, below)


def sample(name: str, labels: Labels, value: float) -> str:
    """One line of the format.

    >>> sample("answers_total", (("code", "200"),), 3)
    'answers_total{code="200"} 3'
    """
    inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels)
    return f"{name}{{{inside}}} {_number(value)}" if inside else f"{name} {_number(value)}"


def metric(name: str, kind: str, text: str, samples: Iterable[str]) -> str:
    """A metric with its help and type."""
    return "\n".join([f"# HELP {name} {text}", f"# TYPE {name} {kind}", *samples]) + "\n"


def _number(value: float) -> str:
    """A value in full: a count of seven digits may not be rounded, or rates of it are wrong."""
    return repr(float(value)).removesuffix(".0")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
