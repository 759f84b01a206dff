"""The service: one route that answers with a risk once its record is on disk, and three about it.

How does a clinician's system get a risk it can trust and trace? `POST /v1/predict` is a plain
Starlette route, as the package's schema checks the body, not FastAPI. Its order is fixed: read and
check the body, score, write the audit record, answer. Refusals are recorded too.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from risk_model import __version__
from risk_model.core.errors import UserError
from risk_model.core.package import ModelPackage
from risk_model.deployment.audit import AuditError, AuditLog
from risk_model.deployment.model_description import model_description
from risk_model.deployment.openapi import REFUSALS, DocumentedAPI, answers, json_body
from risk_model.deployment.package_input import package_input
from risk_model.deployment.requests import PredictionRequest, RefusedError, read_body
from risk_model.deployment.responses import (
    Explanation,
    Liveness,
    ModelDescription,
    NoExplanation,
    Prediction,
    Problem,
    Readiness,
    UncachedResponse,
    on_error,
    on_http_error,
    problem,
)

READY_SECONDS = 1.0  # for which a check of readiness holds

logger = logging.getLogger(__name__)


def create_app(
    package: ModelPackage,
    audit_path: Path,
    accepted: str = "",
    url: str = "http://127.0.0.1:8000",
    keys: Path | None = None,
    checkpoints: Path | None = None,
) -> FastAPI:
    """The application over one model package and one audit log, whose start is recorded.

    Args:
        package: what is served.
        audit_path: the log.
        accepted: who accepted a model whose gate did not pass.
        url: where the service is reached, for its example.
        keys: their folder.
        checkpoints: their file.

    Raises:
        UserError: the model fails its self-test, or the log cannot be written.
    """
    log = partial(AuditLog, audit_path, keys=keys, checkpoints=checkpoints)
    service = Service(package, log, accepted, url)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await service.close()

    app = DocumentedAPI(
        title=package.schema.name,
        version=__version__,
        lifespan=lifespan,
        default_response_class=UncachedResponse,
        # the documentation pages would load scripts from the internet; /openapi.json stays
        docs_url=None,
        redoc_url=None,
        # nothing about a request leaves the machine
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.service = service
    _add_routes(app, service)
    app.add_exception_handler(HTTPException, on_http_error)
    app.add_exception_handler(Exception, on_error)
    return app


def _add_routes(app: FastAPI, service: Service) -> None:
    # The first of two routes with one path answers; the second only stands in the document.
    app.add_route("/v1/predict", service.predict, methods=["POST"])
    app.add_api_route(
        "/v1/predict",
        service.predict,
        methods=["POST"],
        summary="The risk of one patient; with ?explain=true also why",
        response_model=Prediction,
        responses=answers(REFUSALS, Problem),
        openapi_extra=json_body(service.input.body_schema),
    )
    failed = answers({500: "The server could not answer"}, Problem)
    app.add_api_route(
        "/v1/model", service.describe, response_model=ModelDescription, responses=failed
    )
    app.add_api_route("/livez", service.alive, responses=failed)
    not_ready = answers({503: "A condition does not hold"}, Readiness)
    app.add_api_route("/readyz", service.ready, responses={**failed, **not_ready})


class Service:
    """One verified model, its explainer and its audit log."""

    def __init__(
        self, package: ModelPackage, log: Callable[..., AuditLog], accepted: str, url: str
    ) -> None:
        self.package, self.input = package, package_input(package)
        self._score = package.scorer
        if not package.scores_golden_case():
            raise UserError(
                f"{package.directory}: scores its golden case differently here; do not serve it, "
                "train again"
            )
        self._description = model_description(package, accepted, url)
        self._explainer, self._explaining = self.input.explainer, ThreadPoolExecutor(1, "explain")
        self._checked: tuple[float, dict[str, bool]] = (-math.inf, {})
        self.audit = log(
            {
                "model": package.manifest.model,
                "model_sha256": package.sha256,
                "code_version": __version__,
            },
            {"accepted": accepted} if accepted else {},
        )

    async def predict(self, request: Request) -> Response:
        """`POST /v1/predict`: a risk, or a problem, once its record is on disk.

        Without a record: a client that went away, and the 503 of a record that cannot be written.
        """
        body, worker = b"", self.input.worker
        explain = b"explain=true" in request.scope["query_string"].split(b"&")
        try:
            try:
                # refuses when no place is free, or the body exceeds the limit
                with worker.admit():
                    body = await read_body(request, worker.limit)
                    return await self._answer(body, explain)
            except RefusedError as refused:
                return await self._refuse(refused, body)
            except AuditError:
                raise
            except ClientDisconnect:
                return problem(RefusedError(400, "the client went away"))
            except Exception as error:  # its text may hold a value, so only its type is logged
                logger.error("prediction failed: %s", type(error).__name__)
                return await self._refuse(RefusedError(500, "the model could not answer"), body)
        except AuditError:
            detail = "the audit record could not be written, so there is no answer"
            return problem(RefusedError(503, detail))

    async def _answer(self, body: bytes, explain: bool) -> Response:
        """The answer to a body, given once its audit record is on disk.

        The record `prediction` says the risk as the package shows it, the operating threshold,
        whether the risk before rounding reaches it, the request's id if it has one, and, where the
        input has warnings, how many as `reason`. It commits to the encoded row's bytes and is about
        the request's subject. The answer is a Prediction: the same facts, the warnings in full,
        the record's id, what the package says of itself, and the explanation where body or query
        (`explain`) ask for it. RefusedError (500) for a risk that is none.
        """
        request, risk = await self.input.worker.run(self._read_and_score, body)
        if not 0.0 <= risk <= 1.0:
            raise RefusedError(500, "the model gave no valid risk")
        threshold = self.package.threshold
        flagged = risk >= threshold
        shown = self.package.shown(risk)
        facts = dict[str, object](risk=shown, operating_threshold=threshold, flagged=flagged)
        if request.warnings:
            facts["reason"] = f"input warnings: {len(request.warnings)}"
        if request.request_id:
            facts["request_id"] = request.request_id
        prediction_id = await self.audit.append(
            "prediction", facts, request.row.tobytes(), request.subject
        )
        answer: Prediction = {
            "risk": shown,
            "operating_threshold": threshold,
            "flagged": flagged,
            "prediction_id": prediction_id,
            "outcome": self.package.schema.outcome,
            "model": self.package.manifest.model,
            "model_version": self.package.sha256,
            "missing": request.missing,
            "input_warnings": request.warnings,
        }
        if request.request_id:
            answer["request_id"] = request.request_id
        if request.explain or explain:
            answer["explanation"] = await self._explanation(request, prediction_id)
        return UncachedResponse(answer)

    def _read_and_score(self, body: bytes) -> tuple[PredictionRequest, float]:
        request = self.input.read(body)
        return request, float(self._score(request.row)[0][0])

    async def _refuse(self, refused: RefusedError, body: bytes) -> Response:
        facts: dict[str, object] = {"status": refused.status, "reason": refused.detail}
        if refused.request_id:
            facts["request_id"] = refused.request_id
        event_id = await self.audit.append("refusal", facts, body)
        return problem(refused, f"urn:uuid:{event_id}")

    async def _explanation(
        self, request: PredictionRequest, prediction_id: str
    ) -> Explanation | NoExplanation:
        """Why; whatever goes wrong, the prediction is served.

        The deadline ends the waiting, not the thread.
        """
        try:
            async with asyncio.timeout(self._explainer.seconds):
                answer, audited_bytes = await asyncio.get_running_loop().run_in_executor(
                    self._explaining, self._explainer.explain, request
                )
            await self.audit.append("explanation", {"of": prediction_id}, audited_bytes)
        except Exception as error:
            logger.warning("explanation failed: %s", type(error).__name__)
            return {"available": False, "detail": "explanation unavailable"}
        return answer

    async def describe(self, request: Request) -> ModelDescription | Response:
        """The model: its versions, schema, evaluation and card; only the card for text/markdown."""
        if "text/markdown" in request.headers.get("accept", ""):
            return PlainTextResponse(self._description["card"], media_type="text/markdown")
        return self._description

    async def alive(self) -> Liveness:
        """Whether the server runs."""
        return {"alive": True}

    async def ready(self, response: Response) -> Readiness:
        """Whether the package is unchanged, scores its golden case, and records can be written."""
        if time.monotonic() - self._checked[0] > READY_SECONDS:
            checks = await asyncio.to_thread(self._model_checks)
            checks["audit_append"] = await self._audit_works()
            self._checked = (time.monotonic(), checks)
        checks = self._checked[1]
        ready = all(checks.values())
        response.status_code = 200 if ready else 503
        return {"ready": ready, "checks": checks}

    def _model_checks(self) -> dict[str, bool]:
        try:
            unchanged = ModelPackage.open(self.package.directory).sha256 == self.package.sha256
        except (UserError, OSError):
            unchanged = False
        return {"model_digest": unchanged, "golden_case": self.package.scores_golden_case()}

    async def _audit_works(self) -> bool:
        """Whether the last record could be written; after a failure, whether one can be now."""
        try:
            if self.audit.failed:
                await self.audit.append("probe", {})
        except AuditError:
            return False
        return True

    async def close(self) -> None:
        """Waits for records on their way, records the stop and lets go of the log."""
        self.input.worker.close()
        self._explaining.shutdown(cancel_futures=True)
        await self.audit.close()
