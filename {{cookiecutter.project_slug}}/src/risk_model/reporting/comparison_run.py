"""A run as it is compared with another, and the paired differences of two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from risk_model.evaluation.results import Metrics, PartEvaluation, RunEvaluation
from risk_model.training.record import TrainingRecord

ABSENT = "–"


@dataclass(frozen=True)
class ComparedRun:
    """What a run wrote down, and where its report stands; `settings` is its config.json."""

    name: str
    report: str
    settings: dict[str, Any]
    training: TrainingRecord
    evaluation: RunEvaluation

    @property
    def champion(self) -> str:
        """The champion's name."""
        return self.training.champion.name

    def part(self, name: str) -> PartEvaluation | None:
        """One part of the evaluation, None where the run has none of that name."""
        return self.evaluation.parts.get(name)

    def metrics(self, part: str) -> Metrics:
        """The champion's metrics in a part, {} where there is none."""
        own = self.part(part)
        return own.models[self.champion].metrics if own else {}

    def verdict(self, part: str, model: str) -> str:
        """The verdict on a model in a part."""
        gate = self.evaluation.gates.get(part, {}).get(model)
        return gate.verdict if gate else ABSENT

    @property
    def basis(self) -> dict[str, Any]:
        """Everything that was set or installed, by its dotted name."""
        made_by = {"code": self.training.git, "version of": self.training.versions}
        return dict(_flat({**self.settings, **made_by}))


@dataclass(frozen=True)
class PairedDifferences:
    """The differences in one part, second minus first, or why there are none; and a remark."""

    why_not: str
    metrics: Metrics
    remark: str = ""


def _flat(settings: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    flat = []
    for key, value in settings.items():
        nested = isinstance(value, dict)
        flat += _flat(value, f"{prefix}{key}.") if nested else [(f"{prefix}{key}", value)]
    return flat
