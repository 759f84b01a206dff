"""Pointers: numbers of a run where they stand in its files, so that no text has one typed in.

A pointer is `{part.events ,}`: a path into a file or into one of the places of `_places`, and how
to write what is found there. What it leads to is found each time, and a path that no longer leads
anywhere is an error that names it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from risk_model import artifacts
from risk_model.config.serialisation import settings_to_dict
from risk_model.core.errors import UserError
from risk_model.core.estimate import Estimate
from risk_model.core.parts import OUT_OF_FOLD
from risk_model.data.held_out import LAST_PERIOD
from risk_model.evaluation.utility import per_cent
from risk_model.lesson.walkthrough.conditions import SITE, finding
from risk_model.lesson.walkthrough.records import RunRecords, manifest_file
from risk_model.model.table import NETWORK, TREES, is_baseline
from risk_model.model.table import label as model_label

POINTER = re.compile(r"\{([^{} ]+)(?: ([^{}]+))?\}")
INLINE = re.compile(r"(\{[^{}]+\}|`[^`]+`)")
PARTS = {
    "test": "the test split",
    OUT_OF_FOLD: "the out-of-fold rows",
    LAST_PERIOD: "the last period",
}
NONE = "not estimable"
Path = tuple[str, ...]  # the file, and the keys within it


@dataclass(frozen=True)
class Found:
    """What a pointer led to: the file, the keys within it, and the value."""

    file: str
    keys: Path
    value: Any

    @property
    def address(self) -> str:
        """Where it stands, as a JSON pointer (RFC 6901) behind the file's name."""
        keys = (key.replace("~", "~0").replace("/", "~1") for key in self.keys)
        return f"{self.file}#" + "".join(f"/{key}" for key in keys)


class Pointers:
    """The files of a run as JSON, and the named places in them."""

    def __init__(self, run: RunRecords) -> None:
        manifest = manifest_file(run.champion)
        self._files: dict[str, Any] = {
            "config.json": settings_to_dict(run.settings),
            artifacts.TRAINING: run.training.to_json(),
            artifacts.EVALUATION: run.evaluation.to_json(),
            artifacts.INTERNAL_EXTERNAL: run.validated.to_json(),
        }
        roots: dict[str, Path] = {
            "config": ("config.json",),
            "training": (artifacts.TRAINING,),
            "evaluation": (artifacts.EVALUATION,),
            "validated": (artifacts.INTERNAL_EXTERNAL,),
        }
        if run.manifest:
            self._files[manifest] = run.manifest.to_json()
            roots["manifest"] = (manifest,)
        self._places = roots | _places(run)

    def count(self, name: str, words: int) -> None:
        """Adds a number of the page itself, as `{page.NAME ,}`."""
        self._places["page"] = ("the page",)
        self._files.setdefault("the page", {})[name] = words

    def find(self, path: str) -> Found:
        """What stands at a path.

        Raises:
            UserError: the run has no such place, or no such key there.
        """
        first, *keys = path.split(".")
        if first not in self._places:
            raise UserError(f"walkthrough: {{{path}}}: this run has no '{first}'")
        file, *before = self._places[first]
        return Found(file, *self._follow(file, [*before, *keys]))

    def _follow(self, file: str, keys: list[str]) -> tuple[Path, Any]:
        value, passed = self._files[file], list[str]()
        for key in keys:
            if isinstance(value, list) and re.fullmatch(r"-?\d+", key) and value:
                key = str(int(key) % len(value))  # from the end
                value = value[int(key)]
            elif isinstance(value, dict) and key in value:
                value = value[key]
            else:
                there = ", ".join(value) if isinstance(value, dict) else "no keys"
                at = "/".join(passed) or "its top"
                raise UserError(f"walkthrough: {file} has no '{key}' at {at}; there: {there}")
            passed.append(key)
        return tuple(passed), value

    def render(self, text: str) -> Markup:
        """A text with its pointers written out, each with its address, and `code` as such.

        Raises:
            UserError: a pointer leads nowhere, or says to be written in an unknown way.
        """
        return Markup("").join(self._pieces(" ".join(text.split())))

    def _pieces(self, text: str) -> Iterator[Markup]:
        for piece in INLINE.split(text):
            if piece.startswith("`"):
                yield Markup("<code>{}</code>").format(piece[1:-1])
            elif match := POINTER.fullmatch(piece):
                found = self.find(match[1])
                how = match[2] or ""
                in_words = isinstance(found.value, str) or how in FORMS
                mark = Markup('<span class="{}" title="{}">{}</span>')
                style = "words" if in_words else "number"
                yield mark.format(style, found.address, written(found, how))
            else:
                yield escape(piece)


def written(found: Found, how: str) -> str:
    """A value as text; an estimate has its interval behind it.

    `how` is a name of FORMS or Python's format of a number.

    Raises:
        UserError: the value cannot be written so.
    """
    try:
        if how in FORMS:
            return FORMS[how](found)
        return _number(found.value, how)
    except (TypeError, ValueError, LookupError, AttributeError, StopIteration) as error:
        raise UserError(f"walkthrough: {found.address} cannot be written as '{how}'") from error


def _number(value: Any, how: str) -> str:
    if isinstance(value, dict):
        estimate = Estimate(**value)
        if estimate.interval is None:
            return f"{_number(estimate.estimate, how)} (no interval)"
        low, high = (_number(end, how) for end in estimate.interval)
        return f"{_number(estimate.estimate, how)} ({low} to {high})"
    if value is None:
        return NONE
    if not how:
        return str(value)
    return f"{value:{how}}".replace("-", "−")


def part_name(part: str) -> str:
    """A part as a reader says it."""
    return PARTS.get(part, part.removeprefix(SITE))


def _model(found: Found) -> str:
    label = model_label(found.value)
    return label if is_baseline(found.value) else f"the {label}"


def _failed(found: Found) -> str:
    return next(str(reason) for reason in found.value if "not surely" not in reason)


def _kinds(found: Found) -> str:
    return ", ".join(dict.fromkeys(row["kind"] for row in found.value))


FORMS: dict[str, Callable[[Found], str]] = {
    "model": _model,  # a model's name
    "part": lambda found: part_name(found.keys[-1]),  # of the part that a path ends in
    "key": lambda found: found.keys[-1],
    "parts": lambda found: "; ".join(map(part_name, found.value)),
    "keys": lambda found: ", ".join(found.value),
    "count": lambda found: str(len(found.value)),
    "kinds": _kinds,  # of findings, each once
    "first": lambda found: str(found.value[0]),
    "failed": _failed,  # of a gate's reasons, the first that makes it fail
    "words": lambda found: str(found.value).replace("_", " "),
    "short": lambda found: str(found.value)[:12],  # of a digest
    "threshold": lambda found: per_cent(found.value),
    "sentence": lambda found: str(found.value).rstrip("."),
}


def _places(run: RunRecords) -> dict[str, Path]:
    """Short names of places in this run's files; one that it has not is left out."""
    parts = (artifacts.EVALUATION, "parts")
    first, champion, table = (*parts, run.first), run.champion, run.training.champion.table
    places: dict[str, Path | None] = {
        "taught": (artifacts.TRAINING, "sizes", run.taught),
        "part": first,
        "model": (*first, "models", champion),
        "network": (*first, "models", NETWORK),
        "worst": (*parts, run.worst_part),
        "gate": (artifacts.EVALUATION, "gates", run.worst_part, champion),
        "calibrator": (artifacts.TRAINING, "calibrators", champion),
        "last_epoch": (artifacts.TRAINING, "history", NETWORK, "-1"),
        "last_tree": (artifacts.TRAINING, "history", TREES, "-1"),
        "elsewhere": (*parts, run.elsewhere) if run.elsewhere else None,
        "model_elsewhere": (*parts, run.elsewhere, "models", champion) if run.elsewhere else None,
        "gate_elsewhere": (
            (artifacts.EVALUATION, "gates", run.elsewhere, champion) if run.elsewhere else None
        ),
        "group": _group(run),
        "parity": _parity(run),
        "beside": _beside(run),
        "pooled": _pooled(run),
    }
    for number, row in enumerate(table):
        at = (artifacts.TRAINING, "champion", "table", str(number))
        names = {"chosen": champion, "lowest": run.lowest, "network_row": NETWORK}
        places |= {name: at for name, model in names.items() if model == row.model}
    for name in ("small sample", "site shift", "drift", "under-diagnosis"):
        places[name.replace(" ", "_").replace("-", "_")] = _finding(run, name)
    return {name: path for name, path in places.items() if path is not None}


def _finding(run: RunRecords, kind: str) -> Path | None:
    found = finding(run, kind)
    if found is None or run.training.findings is None:
        return None
    return artifacts.TRAINING, "findings", str(run.training.findings.index(found))


def _group(run: RunRecords) -> Path | None:
    """The first group whose risks were found to be too low or too high."""
    for part, own in run.evaluation.parts.items():
        for number, group in enumerate(own.models[run.champion].subgroups):
            if group.miscalibrated:
                at = "parts", part, "models", run.champion, "subgroups", str(number)
                return artifacts.EVALUATION, *at
    return None


def _parity(run: RunRecords) -> Path | None:
    """Of the first partition in the first part."""
    at = artifacts.EVALUATION, "parts", run.first, "models", run.champion, "parity"
    return (*at, next(iter(run.own.parity))) if run.own.parity else None


def _beside(run: RunRecords) -> Path | None:
    """The first existing score that was recorded often enough."""
    at = artifacts.EVALUATION, "parts", run.first, "models", run.champion, "head_to_head"
    scores = (n for n, score in enumerate(run.own.head_to_head) if score.differences)
    number = next(scores, None)
    return None if number is None else (*at, str(number))


def _pooled(run: RunRecords) -> Path | None:
    """The first measure that was pooled over sites."""
    rows = (n for n, r in enumerate(run.validated.heterogeneity) if r.pooled and r.prediction)
    number = next(rows, None)
    return None if number is None else (artifacts.INTERNAL_EXTERNAL, "heterogeneity", str(number))
