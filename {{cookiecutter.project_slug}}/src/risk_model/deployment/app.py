"""How does a clinician's system get a risk it can trust and trace? One route, answered after its
record is on disk.

`POST /v1/predict` is a plain Starlette route, because FastAPI's own request handling costs as much
as the model. Its order is fixed: read and check the body, score, write the audit record, answer.
Refusals are recorded too. Errors are problem+json (RFC 9457) and never repeat what was sent.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from risk_model import __version__
from risk_model.core.errors import UserError
from risk_model.core.package import ModelPackage
from risk_model.deployment.admission import Aside, InTurn
from risk_model.deployment.audit import AuditError, AuditLog
from risk_model.deployment.explanations import explaining
from risk_model.deployment.recording_requests import recording_reader
from risk_model.deployment.requests import Asked, RefusedError, request_reader
from risk_model.deployment.responses import (
    json_response,
    on_error,
    on_http_error,
    openapi,
    problem,
    read_body,
    shown_card,
    shown_facts,
)
from risk_model.signals import reader

READY_SECONDS = 1.0
GOLDEN_TOLERANCE = 1e-5

logger = logging.getLogger(__name__)


def create_app(package: ModelPackage, audit_path: Path, accepted: str = "") -> FastAPI:
    """The application over one model package and one audit log; the log is opened, and the start
    recorded, here.

    `accepted` says who accepted a model that was too small to judge, and why. UserError when the
    model fails its self-test or the log cannot be written.
    """
    service = Service(package, audit_path, accepted)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await service.close()

    app = FastAPI(
        title=package.schema.name,
        version=__version__,
        lifespan=lifespan,
        # the documentation pages would load scripts from the internet; /openapi.json stays
        docs_url=None,
        redoc_url=None,
        telemetry={
            "tracing": False,
            "metrics": False,
            "logs": False,
        },  # nothing about a request leaves the machine
    )
    app.state.service = service
    app.add_route("/v1/predict", service.predict, methods=["POST"])
    app.add_route("/v1/model", service.model_card, methods=["GET"])
    app.add_route("/livez", _alive, methods=["GET"])
    app.add_route("/readyz", service.ready, methods=["GET"])
    app.add_exception_handler(HTTPException, on_http_error)
    app.add_exception_handler(Exception, on_error)
    # FastAPI's documented way to give the document by hand is this assignment.
    app.openapi = lambda: openapi(app, package)  # type: ignore[method-assign]
    return app


class Service:
    """One verified model, its explainer and its audit log."""

    def __init__(self, package: ModelPackage, audit_path: Path, accepted: str) -> None:
        self.package, self._accepted, signal = package, accepted, package.schema.signal
        self._score = package.scorer
        self._read = (recording_reader if signal else request_reader)(package.schema)
        self._work = Aside(reader(signal).REQUEST_BYTES) if signal else InTurn()
        self._background = np.load(package.directory / "explain/background.npy", allow_pickle=False)
        self._golden = float(package.manifest.get("golden_risk", self._golden_risk()))
        if abs(self._golden_risk() - self._golden) > GOLDEN_TOLERANCE:
            raise UserError(
                f"{package.directory}: scores its golden case differently here; do not serve it, "
                "train again"
            )
        self._why, self._explaining = explaining(package), ThreadPoolExecutor(1, "explain")
        self._checked: tuple[float, dict[str, bool]] = (-math.inf, {})
        self._facts = {
            "model": package.manifest["model"],
            "model_sha256": package.sha256,
            "code_version": __version__,
        }
        self.audit = AuditLog(audit_path, self._facts, {"accepted": accepted} if accepted else {})

    async def predict(self, request: Request) -> Response:
        """`POST /v1/predict`: a risk, or a problem. Either way its record is on disk first; without
        it, 503.
        """
        body = b""
        try:
            try:
                with self._work.admitted():
                    body = await read_body(request, self._work.limit)
                    return await self._answer(
                        body, b"explain=true" in request.scope["query_string"].split(b"&")
                    )
            except RefusedError as refused:
                return await self._refuse(refused, body)
            except AuditError:
                raise
            except ClientDisconnect:
                return problem(400, "the client went away")
            except Exception as error:  # its text may hold a value, so only its type is told
                logger.error("prediction failed: %s", type(error).__name__)
                return await self._refuse(RefusedError(500, "the model could not answer"), body)
        except AuditError:
            return problem(
                503, "the audit record could not be written, so there is no answer", retry=1
            )

    async def _answer(self, body: bytes, explain: bool) -> Response:
        asked, risk = await self._work.run(self._judge, body)
        if not 0.0 <= risk <= 1.0:
            raise RefusedError(500, "the model gave no valid risk")
        threshold = self.package.threshold
        facts: dict[str, Any] = {
            "risk": risk,
            "operating_threshold": threshold,
            "flagged": risk >= threshold,
        }
        known = {"request_id": asked.request_id} if asked.request_id else {}
        prediction_id = await self.audit.append("prediction", facts | known, asked.row.tobytes())
        answer = {
            **facts,
            **known,
            "prediction_id": prediction_id,
            "outcome": self.package.schema.outcome,
            "model": self._facts["model"],
            "model_version": self.package.sha256,
            "missing": asked.missing,
        }
        if asked.explain or explain:
            answer["explanation"] = await self._explanation(asked, prediction_id)
        return json_response(answer)

    def _judge(self, body: bytes) -> tuple[Asked, float]:
        asked = self._read(body)
        return asked, float(self._score(asked.row)[0][0])

    async def _refuse(self, refused: RefusedError, body: bytes) -> Response:
        facts = {"status": refused.status, "reason": refused.detail}
        known = {"request_id": refused.request_id} if refused.request_id else {}
        event_id = await self.audit.append("refusal", facts | known, body)
        instance, retry = f"urn:uuid:{event_id}", int(refused.status == 503)
        return problem(refused.status, refused.detail, refused.errors, instance, retry)

    async def _explanation(self, asked: Asked, prediction_id: str) -> dict[str, Any]:
        """Why, from a thread with a deadline; whatever goes wrong, the prediction is still
        served.
        """
        try:
            async with asyncio.timeout(self._why.seconds):
                explain = asyncio.get_running_loop().run_in_executor(
                    self._explaining, self._why.explain, asked
                )
                told, committed = await explain
            await self.audit.append("explanation", {"of": prediction_id}, committed)
        except Exception as error:
            logger.warning("explanation failed: %s", type(error).__name__)
            return {"available": False, "detail": "explanation unavailable"}
        return {"available": True, **told}

    async def model_card(self, request: Request) -> Response:
        """`GET /v1/model`: the model card, as text for `Accept: text/markdown`, else with its facts
        as JSON.
        """
        card = shown_card(self.package, self._accepted)
        if "text/markdown" in request.headers.get("accept", ""):
            return PlainTextResponse(card, media_type="text/markdown")
        return json_response(
            {**self._facts, **shown_facts(self.package, self._accepted), "card": card}
        )

    async def ready(self, _: Request) -> Response:
        """`GET /readyz`: 200 when the package is unchanged, scores its golden case and records can
        be written.
        """
        if time.monotonic() - self._checked[0] > READY_SECONDS:
            checks = await asyncio.to_thread(self._model_checks)
            self._checked = (
                time.monotonic(),
                {**checks, "audit_append": await self._audit_works()},
            )
        checks = self._checked[1]
        return json_response(
            {"ready": all(checks.values()), "checks": checks}, 200 if all(checks.values()) else 503
        )

    def _model_checks(self) -> dict[str, bool]:
        try:
            unchanged = ModelPackage.open(self.package.directory).sha256 == self.package.sha256
        except (UserError, OSError):
            unchanged = False
        return {
            "model_digest": unchanged,
            "golden_case": abs(self._golden_risk() - self._golden) <= GOLDEN_TOLERANCE,
        }

    async def _audit_works(self) -> bool:
        """Whether the last record could be written; after a failure, whether one can be written
        now.
        """
        try:
            if self.audit.failed:
                await self.audit.append("probe", {})
        except AuditError:
            return False
        return True

    async def close(self) -> None:
        """Waits for records on their way, records the stop and lets go of the log."""
        self._work.close()
        self._explaining.shutdown(cancel_futures=True)
        await self.audit.close()

    def _golden_risk(self) -> float:
        """The risk of the first synthetic patient: what it was when the package was made, it must
        be here and now.
        """
        return float(self._score(self._background[:1])[0][0])


async def _alive(_: Request) -> Response:
    return json_response({"alive": True})
