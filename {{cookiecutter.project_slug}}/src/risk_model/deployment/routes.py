"""The routes of the service, and what the OpenAPI document says of them."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from risk_model.core.optional import optional_module
from risk_model.deployment.app import Service, service_of
from risk_model.deployment.openapi import REFUSALS, DocumentedAPI, answers, json_body
from risk_model.deployment.responses import (
    Liveness,
    ModelDescription,
    Prediction,
    Problem,
    Readiness,
)


def add_routes(app: DocumentedAPI, service: Service) -> None:
    """Adds all routes of a service to its application."""
    # The first of two routes with one path answers; the second only stands in the document.
    app.add_route("/v1/predict", predict, methods=["POST"])
    app.add_route("/v1/model", describe)

    async def document(request: Request) -> Response:
        return await service.door.describe(request, app.document)

    app.add_route("/openapi.json", document)
    app.add_api_route(
        "/v1/predict",
        predict,
        methods=["POST"],
        summary="The risk of one patient; with ?explain=true also why",
        response_model=Prediction,
        responses=answers(REFUSALS, Problem),
        openapi_extra=json_body(service.input.body_schema),
    )
    batch = optional_module("deployment.predict_batch")
    if batch is not None:
        batch.add_batch_route(app, service)
    failed = answers({500: "The server could not answer"}, Problem)
    told = sorted(REFUSALS.keys() & {401, 403, 429, 500, 503})
    refused = answers({status: REFUSALS[status] for status in told}, Problem)
    app.add_api_route("/v1/model", describe, response_model=ModelDescription, responses=refused)
    app.add_api_route("/livez", alive, responses=failed)
    not_ready = answers({503: "A condition does not hold"}, Readiness)
    app.add_api_route("/readyz", ready, responses={**failed, **not_ready})


# FastAPI keeps every function of a route for as long as the process lives, so none of them holds a
# service: it would keep the models of former services in memory.


async def predict(request: Request) -> Response:
    """A risk, or a problem, once its record is on disk."""
    return await service_of(request).predict(request)


async def describe(request: Request) -> Response:
    """The model: its versions, schema, evaluation and card; only the card for text/markdown."""
    return await service_of(request).describe(request)


async def ready(request: Request, response: Response) -> Readiness:
    """Whether the package is unchanged, scores its golden case, and records can be written."""
    readiness = await service_of(request).readiness()
    response.status_code = 200 if readiness["ready"] else 503
    return readiness


async def alive() -> Liveness:
    """Whether the server runs."""
    return {"alive": True}
