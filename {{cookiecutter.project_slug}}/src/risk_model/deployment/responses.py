"""Responses: what a client reads, whatever it sent.

Every answer is a typed dictionary, which is written as it stands; pydantic reads the same types for
the OpenAPI document. Errors are problem+json (RFC 9457) and never repeat a value.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Literal, NotRequired

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from typing_extensions import TypedDict  # pydantic reads typing's only from Python 3.12 on

from risk_model.core.estimate import Estimate
from risk_model.core.package import Manifest, Verdict
from risk_model.core.schema import Schema
from risk_model.deployment.logs import LOGGED
from risk_model.deployment.requests import InputWarning, RefusedError

logger = logging.getLogger(__name__)

PROBLEM = "application/problem+json"
# what a client needs to know beside the problem
TELLING = {401: {"www-authenticate": "Bearer"}, 503: {"retry-after": "1"}}


class HoursContribution(TypedDict):
    """What the log-odds lose without a measurement's values of these hours before the moment."""

    measurement: str
    hours_before: list[float]
    contribution: float


class FieldExplanation(TypedDict):
    """What each field of a table adds to the log-odds; with the base they add up to it."""

    available: Literal[True]
    scale: str
    base: float
    contributions: dict[str, float]
    hours: NotRequired[list[HoursContribution]]


class ContributionMap(TypedDict):
    """A grid of numbers, row by row, and its shape."""

    shape: list[int]
    values: list[list[float]]


class MapExplanation(TypedDict):
    """What each cell of a grid over the recording adds to the log-odds."""

    available: Literal[True]
    method: Literal["Grad-CAM"]
    scale: str
    base: float
    map: ContributionMap


class PartContribution(TypedDict):
    """What the log-odds lose without one part of a recording: a box, some seconds or characters."""

    contribution: float
    box: NotRequired[list[int]]
    seconds: NotRequired[list[float]]
    characters: NotRequired[list[int]]


class PartsExplanation(TypedDict):
    """What each part of a recording adds; `text` is what the characters are counted in."""

    available: Literal[True]
    method: Literal["occlusion"]
    scale: str
    parts: list[PartContribution]
    text: NotRequired[str]


Explanation = FieldExplanation | MapExplanation | PartsExplanation


class NoExplanation(TypedDict):
    """Why there is no explanation."""

    available: Literal[False]
    detail: str


class Prediction(TypedDict):
    """A calibrated risk, whether it reaches the operating threshold, and the id of its record.

    The risk is a multiple of the manifest's `risk_step`; `flagged` was decided before rounding.
    """

    risk: float
    operating_threshold: float
    flagged: bool
    request_id: NotRequired[str]
    prediction_id: str
    outcome: str
    model: str
    model_version: str
    missing: list[str]
    input_warnings: list[InputWarning]
    used: NotRequired[dict[str, int]]
    explanation: NotRequired[Explanation | NoExplanation]


class PartSummary(TypedDict):
    """How the model did in one part of the evaluation."""

    n: int
    subjects: int
    events: int
    prevalence: float
    metrics: dict[str, Estimate]
    verdict: Verdict


class RecordingRequirements(TypedDict):
    """What the recording of a request must have; `units` are in the order of `channels`.

    It must last `seconds` and come at `rate` Hz at least; both are 0 for an image or a text.
    """

    name: str
    kind: str
    channels: list[str]
    units: list[str]
    rate: float
    seconds: float


class ModelDescription(TypedDict):
    """The model that answers: its versions, who accepted it, schema, evaluation and card.

    `example` is a request that works as it stands, and `curl` the same for the shell; both are
    empty for events and recordings, of which `recording` says what they must have.
    """

    model: str
    model_sha256: str
    code_version: str
    accepted: str
    manifest: Manifest
    schema: Schema
    recording: RecordingRequirements | None
    evaluation: dict[str, PartSummary]
    card: str
    example: dict[str, Any]
    curl: str


class Liveness(TypedDict):
    """The server runs."""

    alive: Literal[True]


class Readiness(TypedDict):
    """Whether predictions can be given, and each condition for it."""

    ready: bool
    checks: dict[str, bool]


class BodyError(TypedDict):
    """One error of a body, with a JSON pointer to its place."""

    pointer: str
    detail: str


class Problem(TypedDict):
    """An error as RFC 9457 says; `instance` names its audit record."""

    type: Literal["about:blank"]
    title: str
    status: int
    detail: str
    instance: NotRequired[str]
    errors: NotRequired[list[BodyError]]


class UncachedResponse(JSONResponse):
    """A JSON answer that no cache may keep."""

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        """The headers given, and that no cache may keep the answer."""
        super().init_headers({"cache-control": "no-store", **(headers or {})})

    def render(self, content: Any) -> bytes:
        """The content in UTF-8."""
        return orjson.dumps(content)


class ProblemResponse(UncachedResponse):
    """A `Problem`."""

    media_type = PROBLEM


def problem(
    refused: RefusedError, instance: str = "", headers: Mapping[str, str] | None = None
) -> ProblemResponse:
    """The answer to what was refused, with the headers that go with its status."""
    content: Problem = {
        "type": "about:blank",
        "title": HTTPStatus(refused.status).phrase,
        "status": refused.status,
        "detail": refused.detail,
    }
    if instance:
        content["instance"] = instance
    if refused.errors:
        content["errors"] = [
            {"pointer": pointer, "detail": message} for pointer, message in refused.errors
        ]
    telling = TELLING.get(refused.status, {})
    return ProblemResponse(content, refused.status, {**telling, **(headers or {})})


async def on_http_error(_: Request, error: Exception) -> Response:
    """404, 405 and the like, as a problem."""
    status, headers = 500, {}
    if isinstance(error, HTTPException):
        status, headers = error.status_code, {**(error.headers or {})}
    return problem(RefusedError(status, HTTPStatus(status).description), headers=headers)


async def on_error(_: Request, error: Exception) -> Response:
    """What nobody foresaw, as a problem.

    The log gets the error's type, since its text may hold a value.
    """
    logger.error("request failed: %s", type(error).__name__)
    error.add_note(LOGGED)
    # Starlette raises the error once more, at which uvicorn ends the connection: say so
    return problem(
        RefusedError(500, "the server could not answer"), headers={"connection": "close"}
    )


ERRORS = {HTTPException: on_http_error, Exception: on_error}
