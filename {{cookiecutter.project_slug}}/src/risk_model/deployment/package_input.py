"""The input of a package, fields, events or a recording: how it is read, worked on and explained.

This is the one place that asks which of them a package has. What recordings and events need lies in
the modules `*recording*` and `event_*`, which a project for tables does not have.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from types import ModuleType

from risk_model.core.errors import UserError
from risk_model.core.optional import optional_module
from risk_model.core.package import ModelPackage
from risk_model.deployment.admission import Worker
from risk_model.deployment.example_request import check_example, example_body
from risk_model.deployment.explanations import RequestExplainer, field_explainer
from risk_model.deployment.request_schema import JsonSchema, body_schema
from risk_model.deployment.requests import (
    BODY_LIMIT,
    PredictionRequest,
    request_reader,
    under_policy,
)


@dataclass(frozen=True)
class PackageInput:
    """What the service needs to know of a package's input.

    `read` checks and encodes a body, `body_schema` describes it.
    """

    read: Callable[[bytes], PredictionRequest]
    body_schema: JsonSchema
    worker: Worker
    explainer: RequestExplainer


def package_input(package: ModelPackage) -> PackageInput:
    """The input of this package, whose golden case it reads rightly.

    Raises:
        UserError: it does not, or the package reads what this project cannot.
    """
    schema = package.schema
    if schema.spec:
        made: PackageInput = recording_module("event_input", package).event_input(package)
    elif schema.signal is None:
        reader, explainer = request_reader(schema), field_explainer(package)
        made = PackageInput(reader, body_schema(schema), Worker(BODY_LIMIT), explainer)
    else:
        made = recording_module("recording_input", package).recording_input(package)
    read = under_policy(made.read, package.input_check)
    check_example(package, example_body(package), read)
    return replace(made, read=read)


def recording_module(name: str, package: ModelPackage) -> ModuleType:
    """A module that only recordings or events need; UserError where this project has none."""
    module = optional_module(f"deployment.{name}")
    if module is None:
        raise UserError(
            f"{package.directory}: its model reads recordings or events, and this project does "
            "not; use the project that trained it"
        )
    return module
