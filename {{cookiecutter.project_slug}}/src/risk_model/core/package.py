"""The model package: a directory that can be checked, all that leaves training for deployment.

It holds no pickle and no patient: a graph, a schema, summaries, the evaluation and a manifest with
the SHA-256 of each file. The manifest is written last and in one step, so a directory without one
is not a package.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from risk_model.core.errors import UserError
from risk_model.core.files import write_atomically
from risk_model.core.json_record import JsonRecord
from risk_model.core.schema import Features, Schema, at_once

MANIFEST = "manifest.json"
FILES = (
    "risk.onnx",
    "schema.json",
    "reference.json",
    "evaluation.json",
    "model_card.md",
    "explain/background.npy",
)


Verdict = Literal["fail", "cannot tell", "too few to judge", "pass"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)  # the worst first


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of them: one part that failed is a model that failed.

    >>> worst(["pass", "too few to judge", "cannot tell"])
    'cannot tell'
    """
    return min(verdicts, key=VERDICTS.index)


class PersonAndReason(NamedTuple):
    """Who answers for a model whose gate did not pass, and why."""

    by: str
    reason: str

    def __str__(self) -> str:
        return f"{self.by}: {self.reason}"


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
    is a curve.
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
    content = json.dumps(sealed.to_json(), indent=1, sort_keys=True) + "\n"
    write_atomically(directory / MANIFEST, content.encode())
    return digest(directory / MANIFEST)


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
                not one.
        """
        path = directory / MANIFEST
        if not path.is_file():
            raise UserError(
                f"{directory}: not a finished model package (no {MANIFEST}); evaluate the run first"
            )
        manifest = _read_manifest(path)
        for name in FILES:
            _check_file(directory, name, manifest.files)
        return cls(directory, manifest, digest(path))

    @cached_property
    def schema(self) -> Schema:
        """The fields a request must have."""
        return Schema.from_json((self.directory / "schema.json").read_text(encoding="utf-8"))

    @cached_property
    def scorer(self) -> Scorer:
        """The model itself."""
        return Scorer((self.directory / "risk.onnx").read_bytes())

    @property
    def threshold(self) -> float:
        """The operating threshold: at or above it, the patient is flagged."""
        return self.manifest.operating_threshold

    def json(self, name: str) -> dict[str, Any]:
        """One of the package's JSON files."""
        content: dict[str, Any] = json.loads((self.directory / name).read_text(encoding="utf-8"))
        return content


def _read_manifest(path: Path) -> Manifest:
    try:
        return Manifest.from_json(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, UserError) as error:
        raise UserError(
            f"{path}: not a manifest; take the package from the registry again"
        ) from error


def _check_file(directory: Path, name: str, listed: dict[str, str]) -> None:
    path = directory / name
    if not path.is_file() or listed.get(name) != digest(path):
        state = "differs from its manifest" if path.is_file() else "is missing"
        raise UserError(
            f"{path}: {state}; this package must not be used, take it from the registry again"
        )


class Scorer:
    """An ONNX graph with outputs `risk` and `logit`, run on one thread.

    `maps` says whether it has a third one, `map`: what each pixel or sample of a signal adds to the
    logit.
    """

    def __init__(self, graph: bytes) -> None:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        self._session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self.maps = "map" in [output.name for output in self._session.get_outputs()]

    def __call__(
        self, features: Features, chunk: int = 4096
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Risk and logit of float32[n, d] rows: two float64[n]."""
        step = at_once(features.shape[1], chunk)
        pieces = [
            self._chunk(features[i : i + step]) for i in range(0, max(len(features), 1), step)
        ]
        risk, logit = (
            np.concatenate(outputs).astype(np.float64) for outputs in zip(*pieces, strict=True)
        )
        return risk, logit

    def map(self, features: Features) -> npt.NDArray[np.float32]:
        """What each pixel or sample adds to the logit: float32[n, h, w]; only where `maps`."""
        return np.asarray(self._session.run(["map"], {"features": features})[0])

    def _chunk(self, features: Features) -> list[npt.NDArray[np.float32]]:
        outputs = self._session.run(["risk", "logit"], {"features": features})
        return [np.asarray(output).reshape(-1) for output in outputs]
