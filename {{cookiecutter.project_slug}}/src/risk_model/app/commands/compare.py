"""compare: two evaluated runs side by side."""

from __future__ import annotations

from risk_model.app.flags import FlagParser
from risk_model.core.files import user_path
from risk_model.validation import comparison


def compare(arguments: list[str]) -> None:
    """Compares two runs, and prints the differences and where the page is."""
    parser = FlagParser("compare")
    help = "directory of an evaluated run"
    parser.add_argument("first", type=user_path, metavar="RUN", help=help)
    parser.add_argument("second", type=user_path, metavar="RUN", help="of another one")
    flags = parser.parse_args(arguments)
    path, text = comparison.compare(flags.first, flags.second)
    print(f"{text}\n\npage      {path}")
