"""The specification read from YAML or JSON: every error is one line that names its place.

Nothing is guessed: an unknown key is refused with the nearest name, and so is a code that YAML
turned into something else, as it does with 0715, 1:30 and no.
"""

from __future__ import annotations

import difflib
from datetime import date
from pathlib import Path
from typing import Any, cast

from risk_model.core.errors import UserError
from risk_model.signals.event_spec import (
    START,
    TAKES,
    Index,
    Measured,
    Outcome,
    Rule,
    Sequence,
    Spec,
    Take,
    micros,
)
from risk_model.signals.event_spec_parts import Part, is_number, part_of

LONGEST_GRID = 2_000  # steps; a longer one is no sequence that a recurrent network learns


def read_spec(path: Path) -> Spec:
    """The specification in a YAML file.

    Raises:
        UserError: there is no such file, or it says something unclear; names file and place.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"data.spec: {path} cannot be read ({type(error).__name__})") from None
    try:
        return spec_from_json(_yaml(text))
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def _yaml(text: str) -> Any:
    import yaml

    class Loader(yaml.SafeLoader):  # type: ignore[misc,unused-ignore]
        """YAML in which no key may stand twice: the first would be lost in silence."""

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            names = [key.value for key, _ in node.value]
            for name in names:
                if names.count(name) > 1:
                    line = node.start_mark.line + 1
                    raise UserError(f"'{name}' stands twice in the part that begins in line {line}")
            return super().construct_mapping(node, deep)

    try:
        return yaml.load(text, Loader)  # noqa: S506 a subclass of the safe loader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "not readable"
        raise UserError(f"no valid YAML{where}: {problem}") from None


PAGE = ("index", "eligible", "outcome", "labels", "features", "sequence", "end_of_data")


def spec_from_json(content: object) -> Spec:
    """The specification in a mapping, as YAML or JSON gives it.

    Raises:
        UserError: it says something unclear; names the place.
    """
    page = part_of(content, "", PAGE)
    labels = page.text("labels")
    described = [key for key in ("index", "eligible", "outcome") if key in page.content]
    if labels and described:
        raise UserError(f"labels: a file of labels takes the place of {described[0]}; remove one")
    for key in ("features",) if labels else ("index", "outcome", "features"):
        if key not in page.content:
            raise UserError(f"{key}: is missing")
    rules = page.content.get("eligible")
    return Spec(
        _measurements(page.content["features"], bool(labels)),
        None if labels else _index(page.content["index"]),
        () if rules is None else _rules(rules),
        None if labels else _outcome(page.content["outcome"]),
        labels,
        _sequence(page.content["sequence"]) if page.content.get("sequence") else None,
        _end_of_data(page),
    )


def _end_of_data(page: Part) -> str:
    value = page.content.get("end_of_data", "")
    text = value.isoformat() if isinstance(value, date) else value
    try:
        if text not in ("", "none"):
            date.fromisoformat(text)
    except (ValueError, TypeError):
        raise page.error("end_of_data", "must be a date such as 2025-12-31, or none") from None
    return cast(str, text)


def _index(value: object) -> Index:
    part = part_of(value, "index", tuple(Index.__dataclass_fields__))
    event, plus = part.codes("event", None), part.duration("plus", "0h", zero=True)
    series = part.duration("every")
    if not series:
        for key in ("until", "at_most"):
            if key in part.content:
                raise part.error(key, "belongs to a series of moments; state every as well")
        return Index(event, plus, part.choice("which", ("first", "last", "all")))
    if "which" in part.content:
        raise part.error("which", "a series begins at each index event; state which or every")
    if "at_most" not in part.content:
        raise part.error("at_most", "must be stated: how many moments a series may have")
    until, at_most = part.codes("until"), part.count("at_most", None)
    return Index(event, plus, "all", series, until, at_most)


def _rules(value: object) -> tuple[Rule, ...]:
    return tuple(_rule(name, rule) for name, rule in part_of(value, "eligible").content.items())


def _rule(name: str, value: object) -> Rule:
    keys = [key for key in Rule.__dataclass_fields__ if key != "name"]
    part = part_of(value, f"eligible.{name}", keys)
    kinds = [key for key in ("age", "some_of", "none_of") if key in part.content]
    if len(kinds) != 1:
        raise UserError(f"{part.place}: must have one of age, some_of and none_of")
    if kinds == ["age"] and "within" in part.content:
        raise part.error("within", "means nothing for an age")
    if kinds != ["some_of"] and "at_least" in part.content:
        raise part.error("at_least", "belongs to some_of")
    return Rule(
        name,
        part.limits("age"),
        part.codes("some_of"),
        part.codes("none_of"),
        START if part.content.get("within") == START else part.duration("within"),
        part.count("at_least", 1),
    )


def _outcome(value: object) -> Outcome:
    part = part_of(value, "outcome", tuple(Outcome.__dataclass_fields__))
    outcome = Outcome(
        part.codes("event", None),
        part.choice("not_followed", ("exclude", "no event")),
        part.duration("gap", "0h", zero=True),
        part.duration("horizon"),
        part.codes("until"),
        part.codes("seen_by", ("*",)),
    )
    if not outcome.horizon and not outcome.until:
        raise UserError("outcome: state a horizon, until, or both: without one nothing ends it")
    if outcome.horizon and micros(outcome.horizon) <= micros(outcome.gap):
        raise part.error("horizon", "must be longer than the gap; both begin at the moment")
    return outcome


def _measurements(value: object, labelled: bool) -> tuple[Measured, ...]:
    part = part_of(value, "features", ("windows", "take", "measured"))
    general = _windows(part, (), labelled), _takes(part, ())
    if "measured" not in part.content:
        raise part.error("measured", "is missing")
    each = part_of(part.content["measured"], "features.measured").content
    return tuple(_measured(name, content, general, labelled) for name, content in each.items())


def _measured(
    name: str,
    value: object,
    general: tuple[tuple[str, ...], tuple[Take, ...]],
    labelled: bool,
) -> Measured:
    keys = ("code", "unit", "from", "range", "take", "windows")
    part = part_of(value, f"features.measured.{name}", keys)
    if not name or name != name.strip():
        raise part.error("", "a name must neither be empty nor begin or end with a space")
    windows, take = _windows(part, general[0], labelled), _takes(part, general[1])
    for key, stated in (("windows", windows), ("take", take)):
        if not stated:
            raise part.error(key, "is stated neither here nor for all features")
    unit, limits = part.text("unit"), part.limits("range")
    low, high = limits or (None, None)
    return Measured(
        name, part.codes("code", None), take, windows, unit, _factors(part, unit), low, high
    )


def _factors(part: Part, unit: str) -> tuple[tuple[str, float], ...]:
    if part.content.get("from") is None:
        return ()
    factors = part_of(part.content["from"], f"{part.place}.from").content
    if not unit:
        raise part.error("from", "turns other units into the stated one; state unit as well")
    for other, factor in factors.items():
        if other == unit:
            raise part.error(f"from.{other}", "is the unit itself")
        if not is_number(factor) or not factor > 0:
            raise part.error(f"from.{other}", f"must be the number that turns it into {unit}")
    return tuple((other, float(factor)) for other, factor in factors.items())


def _windows(part: Part, general: tuple[str, ...], labelled: bool) -> tuple[str, ...]:
    windows = part.codes("windows", general)
    for window in windows:
        if window == START and labelled:
            raise part.error("windows", f"'{START}' needs an index event, which labels do not have")
        if window != START:
            Part({"windows": window}, part.place).duration("windows")
    return windows


def _takes(part: Part, general: tuple[Take, ...]) -> tuple[Take, ...]:
    takes = part.codes("take", general)
    for take in takes:
        if take not in TAKES:
            near = difflib.get_close_matches(take, TAKES, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(TAKES)}"
            raise part.error("take", f"unknown '{take}'; {hint}")
    return cast(tuple[Take, ...], takes)


def _sequence(value: object) -> Sequence:
    part = part_of(value, "sequence", tuple(Sequence.__dataclass_fields__))
    for key in ("every", "length"):
        if key not in part.content:
            raise part.error(key, "is missing")
    every, length = part.duration("every"), part.duration("length")
    take = part.choice("take", ("mean", "last"))
    if micros(length) % micros(every) or micros(length) // micros(every) > LONGEST_GRID:
        raise part.error("length", f"must be 1 to {LONGEST_GRID:,} whole steps of {every}")
    return Sequence(every, length, take)
