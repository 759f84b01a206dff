"""The input of a package that reads events, and its explanations, summed by measurement."""

from __future__ import annotations

from risk_model.core.package import ModelPackage
from risk_model.deployment.admission import BODIES, PLACES, Worker
from risk_model.deployment.event_requests import LIMIT, event_body_schema, event_reader
from risk_model.deployment.explanations import field_explainer
from risk_model.deployment.package_input import PackageInput
from risk_model.signals.event_schema import measurements, page_of

SEQUENCE_SECONDS = 5.0  # thousands of sequences are scored


def event_input(package: ModelPackage) -> PackageInput:
    """What the service needs to know of a package's events."""
    page = page_of(package.schema.spec)
    explainer = field_explainer(package, measurements(package.schema))
    if package.schema.cells:
        explainer = explainer._replace(seconds=SEQUENCE_SECONDS)
    return PackageInput(
        event_reader(package.schema),
        event_body_schema(page),
        Worker(LIMIT, places=min(PLACES, BODIES // LIMIT)),
        explainer,
    )
