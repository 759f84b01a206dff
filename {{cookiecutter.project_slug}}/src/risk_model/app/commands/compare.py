"""compare: two evaluated runs side by side."""

from __future__ import annotations

from pathlib import Path

from risk_model.app.flags import FlagParser
from risk_model.validation import comparison


def compare(arguments: list[str]) -> None:
    """Compares two runs, and prints the differences and where the page is."""
    parser = FlagParser("compare")
    parser.add_argument("first", type=Path, metavar="RUN", help="directory of an evaluated run")
    parser.add_argument("second", type=Path, metavar="RUN", help="of another one")
    flags = parser.parse_args(arguments)
    path, text = comparison.compare(flags.first, flags.second)
    print(f"{text}\n\npage      {path}")
