"""The OpenAPI document: every route, its answers and its errors, from the types of `responses`."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from fastapi import FastAPI
from starlette.responses import Response

from risk_model.core.optional import module_exists
from risk_model.deployment.request_schema import JsonSchema
from risk_model.deployment.responses import PROBLEM, Problem

REFUSALS = {
    400: "The body is not one JSON object in UTF-8, or holds a key twice",
    401: "No key or token that is valid here",
    403: "The client may not do this",
    408: "The body took too long to arrive",
    413: "The body is too large",
    415: "The content type is not application/json, or the content is encoded",
    422: "The body does not follow the schema; every error is named",
    500: "The model could not answer",
    503: "No audit record could be written, or too many requests wait; try again in a second",
    504: "The model did not answer in time",
}
if module_exists("deployment.quotas"):
    REFUSALS[429] = "The client asks more often than it may; try again later"


def answers(texts: dict[int, str], answer: type) -> dict[int | str, dict[str, Any]]:
    """FastAPI's description of further answers of one type, from what each status means."""
    return {status: {"model": answer, "description": text} for status, text in texts.items()}


def json_body(schema: JsonSchema) -> dict[str, Any]:
    """OpenAPI's description of a JSON body that must follow a JSON Schema."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


class DocumentedAPI(FastAPI):
    """FastAPI, whose document gives errors the media type that they are sent with."""

    _document: Response | None = None

    async def document(self) -> Response:
        """The OpenAPI document as it is sent, made once, beside the loop."""
        if self._document is None:
            content = await asyncio.to_thread(lambda: orjson.dumps(self.openapi()))
            self._document = Response(content, media_type="application/json")
        return self._document

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document."""
        if self.openapi_schema is None:
            operations = [
                operation
                for path in super().openapi()["paths"].values()
                for operation in path.values()
            ]
            for response in [r for o in operations for r in o["responses"].values()]:
                content = response.get("content", {})
                if _is_problem(content.get("application/json", {})):
                    content[PROBLEM] = content.pop("application/json")
        return super().openapi()


def _is_problem(media: dict[str, Any]) -> bool:
    return str(media.get("schema", {}).get("$ref", "")).endswith(f"/{Problem.__name__}")
