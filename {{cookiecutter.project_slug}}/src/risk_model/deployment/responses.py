"""What does a client read, whatever it sent? JSON in, JSON or problem+json (RFC 9457) out, and
never a value back.
"""

from __future__ import annotations

import asyncio
import logging
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from risk_model.core.package import ModelPackage
from risk_model.deployment.recording_requests import recording_body_schema
from risk_model.deployment.requests import RefusedError, body_schema

BODY_SECONDS = 10.0

logger = logging.getLogger(__name__)


def headline(evaluation: dict[str, Any], model: str) -> dict[str, Any]:
    """What evaluation.json says of one model, for each part judged: its size, figures with
    intervals and verdict.
    """
    told = {}
    for part, judged in evaluation["parts"].items():
        size = {name: judged[name] for name in ("n", "subjects", "events", "prevalence")}
        verdict = evaluation["gates"][part][model]["verdict"]
        told[part] = {**size, "metrics": judged["models"][model]["metrics"], "verdict": verdict}
    return told


def shown_facts(package: ModelPackage, accepted: str) -> dict[str, Any]:
    """What the service tells of its model beside the card: who accepted it, manifest, schema and
    figures.
    """
    evaluation = headline(package.json("evaluation.json"), package.manifest["model"])
    schema = shown_schema(package)
    return {
        "accepted": accepted,
        "manifest": package.manifest,
        "schema": schema,
        "evaluation": evaluation,
    }


def shown_card(package: ModelPackage, accepted: str) -> str:
    """The package's card, and who accepted the model at the start of the server, where the card
    does not say so.
    """
    card = (package.directory / "model_card.md").read_text(encoding="utf-8")
    told = not accepted or package.manifest.get("accepted")
    return (
        card
        if told
        else f"{card}\n## Accepted in spite of its gate\n\n- At the start of this server: "
        f"{accepted}\n"
    )


def shown_schema(package: ModelPackage) -> dict[str, Any]:
    """The package's schema.json without the tokenizer, which is a book of its own."""
    schema = package.json("schema.json")
    if schema.get("signal"):
        del schema["signal"]["tokenizer"]
    return schema


async def read_body(request: Request, limit: int) -> bytes:
    """A JSON body of at most `limit` bytes; RefusedError with 408, 413 or 415."""
    headers = dict(request.scope["headers"])
    if headers.get(b"content-type", b"").partition(b";")[0].strip().lower() != b"application/json":
        raise RefusedError(415, "send the header content-type: application/json")
    if b"content-encoding" in headers:
        raise RefusedError(415, "send the body without content-encoding")
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for piece in request.stream():
                body += piece
                if len(body) > limit:
                    raise RefusedError(413, f"the body is larger than {limit} bytes")
    except TimeoutError:
        raise RefusedError(408, "the body took too long to arrive") from None
    return bytes(body)


def json_response(
    content: dict[str, Any], status: int = 200, media_type: str = "application/json"
) -> Response:
    """A JSON answer that no cache may keep."""
    return Response(orjson.dumps(content), status, {"cache-control": "no-store"}, media_type)


def problem(
    status: int,
    detail: str,
    errors: list[tuple[str, str]] | None = None,
    instance: str = "",
    retry: int = 0,
) -> Response:
    """An error as RFC 9457 says, with a JSON pointer per error and never a value."""
    content: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
    }
    content |= {"detail": detail} | ({"instance": instance} if instance else {})
    if errors:
        content["errors"] = [{"pointer": pointer, "detail": message} for pointer, message in errors]
    response = json_response(content, status, "application/problem+json")
    if retry:
        response.headers["retry-after"] = str(retry)
    return response


async def on_http_error(_: Request, error: Exception) -> Response:
    """404, 405 and the like, as a problem."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    response = problem(status, HTTPStatus(status).description)
    response.headers.update(getattr(error, "headers", None) or {})
    return response


async def on_error(_: Request, error: Exception) -> Response:
    """What nobody foresaw, as a problem: the log gets the error's type, since its text may hold a
    value.
    """
    logger.error("request failed: %s", type(error).__name__)
    return problem(500, "the server could not answer")


def openapi(app: FastAPI, package: ModelPackage) -> dict[str, Any]:
    """The OpenAPI document, with the routes that FastAPI does not see because they are plain
    ones.
    """
    document = get_openapi(title=app.title, version=app.version, routes=app.routes)
    signal = package.schema.signal
    described = recording_body_schema(signal) if signal else body_schema(package.schema)
    body = {"required": True, "content": {"application/json": {"schema": described}}}
    answers = {"200": {"description": "risk, with the id of its audit record"}}
    errors = {
        str(s): {"description": HTTPStatus(s).phrase} for s in (400, 408, 413, 415, 422, 500, 503)
    }
    document["paths"]["/v1/predict"] = {
        "post": {
            "summary": "Risk of one patient",
            "requestBody": body,
            "responses": answers | errors,
        }
    }
    for path in ("/v1/model", "/livez", "/readyz"):
        document["paths"][path] = {"get": {"responses": {"200": {"description": "OK"}}}}
    return document
