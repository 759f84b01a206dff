"""The description of the served model: its card, schema and evaluation, and who accepted it."""

from __future__ import annotations

from dataclasses import replace

from risk_model import __version__
from risk_model.core.package import ModelPackage
from risk_model.core.schema import Schema, Signal
from risk_model.deployment.example_request import curl, example_body
from risk_model.deployment.responses import ModelDescription, PartSummary, RecordingRequirements
from risk_model.evaluation.results import RunEvaluation


def model_description(
    package: ModelPackage, accepted: str, url: str, needs_key: bool = False
) -> ModelDescription:
    """What `GET /v1/model` answers.

    Args:
        package: what is served.
        accepted: who accepted a model that was too small to judge, and why; "" for nobody.
        url: where the service is reached, for the example.
        needs_key: whether the example needs a key of the caller.

    Raises:
        UserError: the package's evaluation.json was written by another version.
    """
    example = example_body(package)
    return {
        "model": package.manifest.model,
        "model_sha256": package.sha256,
        "code_version": __version__,
        "accepted": accepted,
        "manifest": package.manifest,
        "schema": _without_tokenizer(package.schema),
        "recording": _requirements(package.schema.signal) if package.schema.signal else None,
        "evaluation": summary(
            RunEvaluation.from_json(package.json("evaluation.json")), package.manifest.model
        ),
        "card": served_card(package, accepted),
        "example": example,
        "curl": curl(example, url, needs_key),
    }


def summary(evaluation: RunEvaluation, model: str) -> dict[str, PartSummary]:
    """Size, metrics and verdict of one model in each part of the evaluation."""
    return {
        name: {
            "n": part.n,
            "subjects": part.subjects,
            "events": part.events,
            "prevalence": part.prevalence,
            "metrics": part.models[model].metrics,
            "verdict": evaluation.gates[name][model].verdict,
        }
        for name, part in evaluation.parts.items()
    }


def served_card(package: ModelPackage, accepted: str) -> str:
    """The package's card, and who accepted the model at the server's start, if nobody before."""
    card = package.text("model_card.md")
    if not accepted or package.manifest.accepted:
        return card
    return (
        f"{card}\n## Accepted in spite of its gate\n\n- At the start of this server: {accepted}\n"
    )


def _requirements(signal: Signal) -> RecordingRequirements:
    return {
        "name": signal.name,
        "kind": signal.kind,
        "channels": list(signal.channels),
        "units": list(signal.units),
        "rate": signal.rate,
        "seconds": signal.seconds,
    }


def _without_tokenizer(schema: Schema) -> Schema:
    """The schema without the tokenizer of its texts, which is a book of its own."""
    return replace(schema, signal=schema.signal and replace(schema.signal, tokenizer=""))
