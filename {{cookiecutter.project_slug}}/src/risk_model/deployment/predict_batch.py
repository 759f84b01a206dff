"""`POST /v1/predict/batch`: many patients in one request, each with its own record and answer.

What is wrong with one patient's record leaves the others answered: in its place stands the problem.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import orjson
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict  # pydantic reads typing's only from Python 3.12 on

from risk_model.deployment.app import Asker, Service, service_of
from risk_model.deployment.openapi import REFUSALS, answers, json_body
from risk_model.deployment.requests import RefusedError, read_json
from risk_model.deployment.responses import Prediction, Problem, UncachedResponse

PATIENTS = 100
TOGETHER = 20  # that share a commit of the audit log, and no more, for others wait for the loop
BATCH_BYTES = 262_144  # or what one request may hold, where that is more
# Lists and objects in a body, of which each takes sixty bytes once it is read; a batch needs 301,
# and texts may hold as many brackets.
OBJECTS = 20_000
SHAPE = f'the body must be {{"requests": [...]}} with 1 to {PATIENTS} requests'


class Batch(TypedDict):
    """The answers, in the order of the requests."""

    answers: list[Prediction | Problem]


def add_batch_route(app: FastAPI, service: Service) -> None:
    """Adds the route to an application."""
    app.add_route("/v1/predict/batch", predict_batch, methods=["POST"])
    # any item is answered, with a problem in its place where it is no request
    item = {"anyOf": [service.input.body_schema, {"description": "gets a problem in its place"}]}
    many: dict[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["requests"],
        "properties": {
            "requests": {"type": "array", "minItems": 1, "maxItems": PATIENTS, "items": item}
        },
    }
    app.add_api_route(
        "/v1/predict/batch",
        predict_batch,
        methods=["POST"],
        summary=f"The risks of up to {PATIENTS} patients, each with its own record",
        response_model=Batch,
        responses=answers(REFUSALS, Problem),
        openapi_extra=json_body(many),
    )


async def predict_batch(request: Request) -> Response:
    """The risks of many patients, or a problem in the place of one."""
    service = service_of(request)
    limit = max(service.input.worker.limit, BATCH_BYTES)
    return await service.handle(request, limit, partial(_answer, service))


async def _answer(service: Service, body: bytes, explain: bool, asker: Asker) -> Response:
    requests = await service.input.worker.run(_requests, body)
    if service.door.quotas is not None:  # one is taken already
        service.door.quotas.take(str(asker["client"]), len(requests) - 1)
    told: list[Response] = []
    for start in range(0, len(requests), TOGETHER):
        together = requests[start : start + TOGETHER]
        told += await asyncio.gather(*(service.one(each, explain, asker) for each in together))
    return UncachedResponse({"answers": [orjson.Fragment(bytes(one.body)) for one in told]})


def _requests(body: bytes) -> list[bytes]:
    """The requests of a batch, each as a body of its own; RefusedError (400, 422) for others."""
    if body.count(b"{") + body.count(b"[") > OBJECTS:
        raise RefusedError(422, SHAPE)
    content = read_json(body)
    requests = content.get("requests")
    if content.keys() != {"requests"} or not isinstance(requests, list):
        raise RefusedError(422, SHAPE)
    if not 1 <= len(requests) <= PATIENTS:
        raise RefusedError(422, SHAPE)
    return [orjson.dumps(request) for request in requests]
