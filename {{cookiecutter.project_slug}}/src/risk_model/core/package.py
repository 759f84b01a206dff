"""The model package: a directory that can be checked, all that leaves training for deployment.

It holds no pickle and no patient: a graph, a schema, summaries, the evaluation and a manifest with
the SHA-256 of each file. The manifest is written last and in one step, so a directory without one
is not a package.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from risk_model.core.errors import UserError
from risk_model.core.files import write_atomically
from risk_model.core.graph_numbers import all_finite
from risk_model.core.input_policy import InputCheck, InputPolicy
from risk_model.core.json_record import JsonRecord
from risk_model.core.person import PersonAndReason
from risk_model.core.risk_step import rounded
from risk_model.core.schema import Features, Schema
from risk_model.core.scorer import Scorer

MANIFEST = "manifest.json"
FILES = (
    "risk.onnx",
    "schema.json",
    "reference.json",
    "evaluation.json",
    "model_card.md",
    "explain/background.npy",
)
GOLDEN_TOLERANCE = 1e-5  # of a stored risk, which must be reproduced
AGAIN = "this package must not be used, take it from the registry again"

Verdict = Literal["fail", "cannot tell", "too few to judge", "pass"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)  # the worst first


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of them: one part that failed is a model that failed.

    >>> worst(["pass", "too few to judge", "cannot tell"])
    'cannot tell'
    """
    return min(verdicts, key=VERDICTS.index)


@dataclass(frozen=True)
class Acceptance(JsonRecord):
    """Who answers for a model whose gate did not pass, why, when, and what the verdicts were.

    `verdicts` holds each part that did not pass.
    """

    by: str
    reason: str
    verdicts: dict[str, Verdict]
    when: str

    @property
    def statement(self) -> PersonAndReason:
        """The person and the reason alone."""
        return PersonAndReason(self.by, self.reason)


@dataclass(frozen=True)
class CalibrationLine(JsonRecord):
    """What a linear calibrator does to the log odds: slope · logit + intercept."""

    slope: float
    intercept: float


@dataclass(frozen=True)
class Manifest(JsonRecord):
    """The content of manifest.json: what the package is, and the SHA-256 of each file in it.

    `gates` holds the verdict on each part, `golden_risk` the risk of the first row of the
    background, `calibration` the scale on which explanations are given; None where the calibrator
    is a curve. Answered risks are multiples of `risk_step`; `input_policy` says which records are
    answered, and which with a warning.
    """

    model: str
    cohort: str
    outcome: str
    fingerprint: str
    git: str
    versions: dict[str, str]
    operating_threshold: float
    threshold_reason: str
    gates: dict[str, Verdict]
    golden_risk: float
    risk_step: float
    input_policy: InputPolicy
    calibration: CalibrationLine | None
    files: dict[str, str] = field(default_factory=dict)
    accepted: Acceptance | None = None
    recalibrated_from: str | None = None

    @property
    def gate(self) -> Verdict:
        """The worst verdict over all parts."""
        return worst(self.gates.values())

    @property
    def not_passed(self) -> dict[str, Verdict]:
        """The parts whose verdict is not a pass, the worst first."""
        parts = {part: verdict for part, verdict in self.gates.items() if verdict != "pass"}
        return dict(sorted(parts.items(), key=lambda item: VERDICTS.index(item[1])))


def digest(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def seal(directory: Path, manifest: Manifest) -> str:
    """Writes the manifest of a package's files and returns its SHA-256, which names this version.

    Args:
        directory: where all of FILES are.
        manifest: what to say of the package; its `files` are replaced by the digests of FILES.

    Raises:
        FileNotFoundError: a file of FILES is not there yet.
    """
    sealed = replace(manifest, files={name: digest(directory / name) for name in FILES})
    content = json.dumps(sealed.to_json(), indent=1, sort_keys=True, allow_nan=False) + "\n"
    write_atomically(directory / MANIFEST, content.encode())
    return digest(directory / MANIFEST)


def check_name(name: str, where: str) -> None:
    """UserError for a name that a folder or the registry would not take; `where` is its setting."""
    if not re.fullmatch(r"\w[\w.-]*", name, re.ASCII):
        raise UserError(f"{where}: {name!r} names a folder; use letters, digits, '.', '_' and '-'")


@dataclass(frozen=True)
class ModelPackage:
    """A package whose every byte was checked when it was opened."""

    directory: Path
    manifest: Manifest
    sha256: str

    @classmethod
    def open(cls, directory: Path) -> ModelPackage:
        """Opens and verifies a package.

        Raises:
            UserError: a file is missing, changed or not listed (it is named), or the manifest is
                not one, or states a risk or a threshold that is no probability.
        """
        path = directory / MANIFEST
        if not path.is_file():
            raise UserError(
                f"{directory}: not a finished model package (no {MANIFEST}); evaluate the run first"
            )
        content = path.read_bytes()
        package = cls(directory, _manifest(path, content), hashlib.sha256(content).hexdigest())
        for name in FILES:
            package.read(name)
        return package

    def read(self, name: str) -> bytes:
        """A file of the package, checked whenever it is read: it may be swapped while we look.

        Raises:
            UserError: it is missing, or not what the manifest says.
        """
        path = self.directory / name
        content = path.read_bytes() if path.is_file() else None
        listed = self.manifest.files.get(name)
        if content is None or listed != hashlib.sha256(content).hexdigest():
            state = "is missing" if content is None else "differs from its manifest"
            raise UserError(f"{path}: {state}; {AGAIN}")
        return content

    @cached_property
    def schema(self) -> Schema:
        """The fields a request must have."""
        with _readable(self.directory / "schema.json"):
            return Schema.from_json(self.text("schema.json"))

    @cached_property
    def scorer(self) -> Scorer:
        """The model itself; UserError where its graph cannot be run, or a weight is not finite."""
        graph, path = self.read("risk.onnx"), self.directory / "risk.onnx"
        with _readable(path):
            scorer, finite = Scorer(graph), all_finite(graph)
        if not finite:
            raise UserError(f"{path}: holds a weight that is not a finite number; {AGAIN}")
        return scorer

    @cached_property
    def background(self) -> Features:
        """The rows that explanations compare with, the golden case first: float32[n, d].

        Raises:
            UserError: they are no rows of this schema; NaN says that a value is missing.
        """
        name = "explain/background.npy"
        with _readable(self.directory / name):
            rows: Features = np.load(io.BytesIO(self.read(name)), allow_pickle=False)
        fits = rows.ndim == 2 and len(rows) and rows.shape[1] == self.schema.width
        if not fits or rows.dtype != np.float32 or np.isinf(rows).any():
            raise UserError(f"{self.directory / name}: holds no rows of this schema; {AGAIN}")
        return rows

    @cached_property
    def input_check(self) -> InputCheck:
        """Which records are answered, and how; UserError where the policy is of other fields."""
        with _readable(self.directory / MANIFEST):
            return InputCheck(self.manifest.input_policy, self.schema)

    @property
    def threshold(self) -> float:
        """The operating threshold: at or above it, the patient is flagged."""
        return self.manifest.operating_threshold

    def scores_golden_case(self) -> bool:
        """Whether the first synthetic row has the risk that the manifest states."""
        risk = float(self.scorer(self.background[:1])[0][0])
        return abs(risk - self.manifest.golden_risk) <= GOLDEN_TOLERANCE

    def shown(self, risk: float) -> float:
        """A risk as it is answered: no finer than the evaluation supports."""
        return rounded(float(risk), self.manifest.risk_step, self.threshold)

    def text(self, name: str) -> str:
        """One of the package's text files."""
        with _readable(self.directory / name):
            return self.read(name).decode()

    def json(self, name: str) -> dict[str, Any]:
        """One of the package's JSON files."""
        with _readable(self.directory / name):
            content: dict[str, Any] = json.loads(self.read(name))
        return content


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Makes one line of whatever a sealed file of other content leads to."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # onnxruntime alone has a dozen types of its own
        raise UserError(f"{path}: cannot be used ({type(error).__name__}); {AGAIN}") from error


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _manifest(path: Path, content: bytes) -> Manifest:
    try:
        manifest = Manifest.from_json(json.loads(content, parse_constant=_no_number))
    except (ValueError, UserError) as error:
        raise UserError(
            f"{path}: not a manifest; take the package from the registry again"
        ) from error
    line = manifest.calibration or CalibrationLine(1.0, 0.0)
    probabilities = {
        "operating_threshold": manifest.operating_threshold,
        "golden_risk": manifest.golden_risk,
        "risk_step": manifest.risk_step or math.nan,
    }
    wrong = [name for name, value in probabilities.items() if not 0 <= value <= 1]
    wrong += [] if math.isfinite(line.slope * line.intercept) else ["calibration"]
    if wrong:
        raise UserError(f"{path}: {wrong[0]} is not between 0 and 1, or not finite; {AGAIN}")
    return manifest
