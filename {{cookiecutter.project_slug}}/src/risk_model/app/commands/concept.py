"""concept: a card for each idea of the pipeline, told as an interviewer asks for it."""

from __future__ import annotations

from pathlib import Path

from risk_model.app.flags import FlagParser
from risk_model.lesson.concepts import telling
from risk_model.lesson.concepts.lookup import card_named

PAGE = Path("generated") / "concepts.html"


def concept(arguments: list[str]) -> None:
    """Prints one card or the list of them, or writes all as one page."""
    parser = FlagParser("concept")
    said = "its name or another word for it; without one the cards are listed"
    parser.add_argument("name", nargs="*", help=said)
    how = parser.add_mutually_exclusive_group()
    order = "in the order of an answer: principle, reason, example, pitfall"
    how.add_argument("--prep", action="store_true", help=order)
    how.add_argument("--audience", choices=["clinician"], help="for whom: without jargon")
    how.add_argument("--all", action="store_true", help=f"write all cards to {PAGE}")
    flags = parser.parse_args(arguments)
    asked = " ".join(flags.name).strip()
    if flags.all and asked:
        parser.error("--all takes no name")
    if (flags.prep or flags.audience) and not asked:
        parser.error("which one? Name it")
    if flags.all:
        from risk_model.lesson.concepts.page import write_concepts

        write_concepts(PAGE)
        print(f"page      {PAGE}")
    else:
        print(_answer(asked, flags.prep, bool(flags.audience)) if asked else telling.listing())


def _answer(asked: str, prep: bool, clinician: bool) -> str:
    """The card; for a name that none has the four steps.

    Those are an answer and no error, so the command ends with 0: whoever asks is as likely to
    practise what they do not know as to have misspelt a name.
    """
    name = card_named(asked)
    if name is None:
        return telling.unknown(asked)
    if clinician:
        return telling.for_clinicians(name)
    return telling.prep(name) if prep else telling.told(name)
