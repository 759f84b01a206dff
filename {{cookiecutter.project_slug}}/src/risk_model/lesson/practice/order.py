"""Which questions are asked, and in what order: the missed first, then new ones of each kind."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from itertools import zip_longest

from risk_model.lesson.practice.log import Attempt, latest
from risk_model.lesson.practice.questions import KINDS, Question


def ordered(
    questions: Sequence[Question], attempts: Sequence[Attempt], rng: random.Random
) -> list[Question]:
    """All questions in the order to ask them.

    First those whose latest answer was missed, longest ago first; then those never answered, drawn
    at random, the kinds in turn; last the others, longest ago first. The same log and the same
    state of `rng` give the same order.
    """
    by_key, last = {q.key: q for q in questions}, latest(attempts)
    seen = [by_key[key] for key in last if key in by_key]
    new = _kinds_in_turn([q for q in questions if q.key not in last], rng)
    missed = [q for q in seen if last[q.key].missed]
    return [*missed, *new, *(q for q in seen if not last[q.key].missed)]


def _kinds_in_turn(questions: Iterable[Question], rng: random.Random) -> list[Question]:
    by_kind: dict[str, list[Question]] = {kind: [] for kind in KINDS}
    for question in questions:
        by_kind[question.kind].append(question)
    for own in by_kind.values():
        rng.shuffle(own)
    return [q for turn in zip_longest(*by_kind.values()) for q in turn if q]
