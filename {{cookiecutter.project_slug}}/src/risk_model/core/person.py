"""Who answers for a model, and why, as a user writes it: "name: reason"."""

from __future__ import annotations

from typing import NamedTuple

from risk_model.core.errors import UserError


class PersonAndReason(NamedTuple):
    """Who answers for a model whose gate did not pass, and why."""

    by: str
    reason: str

    def __str__(self) -> str:
        return f"{self.by}: {self.reason}"


def person_and_reason(text: str, example: str) -> PersonAndReason:
    """Who answers for a model and why, from "name: reason".

    Args:
        text: what the user wrote.
        example: how to write it, for the message.

    Raises:
        UserError: the name or the reason is missing.
    """
    person, _, reason = (side.strip() for side in text.partition(":"))
    if not person or not reason:
        raise UserError(f"whoever accepts a model gives a name and a reason: {example}")
    return PersonAndReason(person, reason)
