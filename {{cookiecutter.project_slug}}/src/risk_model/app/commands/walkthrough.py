"""walkthrough: a run told along the five concerns, for whoever rehearses or asks."""

from __future__ import annotations

from risk_model.app.flags import FlagParser
from risk_model.config import Config
from risk_model.core.errors import UserError
from risk_model.core.files import user_path
from risk_model.core.runs import find_run
from risk_model.lesson.walkthrough.page import write


def walkthrough(arguments: list[str]) -> None:
    """Writes the page, or the interviewer's sheet, and prints where it is."""
    parser = FlagParser("walkthrough")
    help = "directory of an evaluated run; without it the latest"
    parser.add_argument("run", nargs="?", default="", metavar="run=RUN", help=help)
    sheet = "the interviewer's side: questions, what an answer holds, boxes for the score"
    parser.add_argument("--sheet", action="store_true", help=sheet)
    flags = parser.parse_args(arguments)
    name, equals, run = flags.run.rpartition("run=")
    if name or (flags.run and not equals):
        raise UserError(f"walkthrough: '{flags.run}': the run is written run=DIRECTORY")
    path = write(find_run(Config().runs, str(user_path(run)) if run else ""), flags.sheet)
    print(f"page      {path}")
