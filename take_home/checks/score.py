"""Task 3, scores of a network: against the same small network in numpy."""

from __future__ import annotations

from typing import Any

import numpy as np

from take_home.checks.common import (
    Check,
    Floats,
    Inputs,
    Outputs,
    Request,
    close,
    first,
    member,
    no_value,
    parts,
    unless,
)
from take_home.score import Part

EPSILON = 1e-5  # of batch norm in torch


def inputs(rng: np.random.Generator) -> Inputs:
    """A network in train mode, another that is half frozen, one that fails, one with one output."""
    plain = request(rng)
    return {
        "plain": plain,
        "a row by itself": {**plain, "features": plain["features"][:1]},
        "frozen": {**plain, "frozen": True},
        "fails": {**plain, "fails": True, "calls": 1},
        "fails frozen": {**plain, "fails": True, "calls": 1, "frozen": True},
        "one output": {**request(rng, members=1), "flat": True},
        "unequal members": {**plain, "identity": True, "features": _far_apart(rng)},
    }


def request(rng: np.random.Generator, members: int = 3) -> Request:
    """A network of 5 columns, 33 rows, at most 8 at once: the last row comes alone."""
    columns = 5

    def drawn(*shape: int) -> Any:
        return rng.normal(0, 1, shape).astype(np.float32).tolist()

    return {
        "weight": drawn(members, columns),
        "bias": drawn(members),
        "mean": drawn(columns),
        "variance": (0.5 + np.abs(rng.normal(0, 1, columns))).astype(np.float32).tolist(),
        "features": drawn(33, columns),
        "chunk": 8,
        "calls": 2,
        "flat": False,
        "fails": False,
        "frozen": False,
        "identity": False,
    }


def _far_apart(rng: np.random.Generator) -> list[list[float]]:
    """Rows that are their own members, whose sum float32 cannot hold in any order: 2^24 + 1."""
    row = rng.permutation([2.0**24, 1.0, 0.0, 0.0, 0.0])
    return [row.tolist(), (3 * row).tolist()]


def members(asked: Request) -> Floats:
    """The logit of each row and member, in double precision from float32 parameters."""
    rows = np.array(asked["features"])
    scaled = (rows - np.array(asked["mean"])) / np.sqrt(np.array(asked["variance"]) + EPSILON)
    return np.asarray(scaled @ np.array(asked["weight"]).T + np.array(asked["bias"]))


def judge(asked: Inputs, outputs: Outputs) -> tuple[Part, ...]:
    """Points for the logits, the same at each call, and for leaving the network as it was."""

    def calls(case: str) -> list[Any]:
        said = member(outputs[case].value, "calls")
        return said if isinstance(said, list) else []

    def right(case: str) -> bool:
        wanted = members(asked[case]).mean(axis=1)
        return bool(calls(case)) and all(close(call, wanted, 1e-5) for call in calls(case))

    def left(case: str) -> bool:
        return member(outputs[case].value, "unchanged") is True

    core = Check(
        "the logits, the same at each call and in any company",
        1,
        first(
            no_value(outputs, "plain", "a row by itself", "frozen", "one output"),
            unless(
                _same(calls("plain")) and right("plain"),
                "Logits of a network in train mode are other ones, or change from call to call.",
            ),
            unless(right("a row by itself"), "A row by itself has another logit, or none."),
            unless(right("one output"), "With one logit a row the logits are other ones."),
            unless(right("frozen"), "With one module in eval mode the logits are other ones."),
        ),
    )
    same = all(map(left, ("plain", "frozen", "fails", "fails frozen")))
    network = Check(
        "the network is left as it was",
        1,
        first(
            no_value(outputs, "fails", "fails frozen"),
            unless(
                calls("fails") == ["OverflowError"], "An exception of the network is swallowed."
            ),
            unless(same, "A module's mode or something learnt has changed, perhaps on a failure."),
        ),
    )
    return parts(core, [network, _passing(asked, outputs)])


def _same(said: list[Any]) -> bool:
    return len(said) == 2 and said[0] == said[1]


def _passing(asked: Inputs, outputs: Outputs) -> Check:
    plain = outputs["plain"].value
    wanted = np.array(asked["unequal members"]["features"]).mean(axis=1)
    calls = member(outputs["unequal members"].value, "calls")
    exact = bool(calls) and isinstance(calls, list) and close(calls[0], wanted, 0)
    largest = member(plain, "largest")
    few = isinstance(largest, int) and 0 < largest <= 8
    unrecorded = member(plain, "gradients") is False and member(plain, "recorded") is False
    return Check(
        "float64, no gradients, few rows at once",
        1,
        first(
            no_value(outputs, "unequal members"),
            unless(exact, "The mean over members is not taken in float64."),
            unless(member(plain, "type") == "torch.float64", "The logits are not float64."),
            unless(unrecorded, "Gradients are recorded."),
            unless(few, "More rows than `chunk` pass through the network at once."),
        ),
    )
