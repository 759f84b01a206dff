"""traps: the lesson's mistakes, shown on real data."""

from __future__ import annotations

from risk_model.app.flags import FlagParser
from risk_model.core.errors import UserError
from risk_model.lesson.traps import listing, run, run_all


def traps(arguments: list[str]) -> None:
    """Runs one demonstration or all, or lists them."""
    parser = FlagParser("traps")
    parser.add_argument("name", nargs="?", default="", help="which one; without it they are listed")
    data = "the data to show it on, where there is a choice"
    parser.add_argument("--data", default="", help=data)
    parser.add_argument("--cache", default="", help="where downloads are kept")
    parser.add_argument("--all", action="store_true", help="all, on one page with a figure each")
    flags = parser.parse_args(arguments)
    if flags.all and (flags.name or flags.data):
        raise UserError("traps: --all runs all of them on their own data; leave out the rest")
    if flags.all:
        print(run_all(flags.cache))
        return
    print(run(flags.name, flags.data, flags.cache) if flags.name else listing())
