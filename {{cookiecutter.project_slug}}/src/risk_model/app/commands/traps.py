"""traps: the lesson's mistakes, shown on real data."""

from __future__ import annotations

from risk_model.app.flags import FlagParser
from risk_model.lesson.traps import listing, run


def traps(arguments: list[str]) -> None:
    """Runs one demonstration, or lists them."""
    parser = FlagParser("traps")
    parser.add_argument("name", nargs="?", default="", help="which one; without it they are listed")
    data = "the data to show it on, where there is a choice"
    parser.add_argument("--data", default="", help=data)
    parser.add_argument("--cache", default="", help="where downloads are kept")
    flags = parser.parse_args(arguments)
    print(run(flags.name, flags.data, flags.cache) if flags.name else listing())
