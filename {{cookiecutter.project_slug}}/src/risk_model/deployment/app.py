"""The service: one route that answers with a risk once its record is on disk, and a few about it.

How does a clinician's system get a risk it can trust and trace? `POST /v1/predict` is a plain
Starlette route, as the package's schema checks the body, not FastAPI. Its order is fixed: who asks,
read and check the body, score, write the audit record, answer. Refusals are recorded too, but for
those of a server that has no place: they say nothing about a patient, and must be fast.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from pydantic import TypeAdapter
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from risk_model import __version__
from risk_model.core.errors import UserError
from risk_model.core.optional import optional_module
from risk_model.core.package import ModelPackage
from risk_model.deployment.access import UNRECORDED, Access, Door, UnknownCallerError, header
from risk_model.deployment.admission import Worker
from risk_model.deployment.audit import AuditError, AuditLog
from risk_model.deployment.conditions import Conditions
from risk_model.deployment.model_description import model_description
from risk_model.deployment.package_input import package_input
from risk_model.deployment.requests import PredictionRequest, RefusedError, read_body
from risk_model.deployment.responses import (
    Explanation,
    ModelDescription,
    NoExplanation,
    Prediction,
    Readiness,
    UncachedResponse,
    problem,
)

Asker = dict[str, object]  # what a record says of who asks
Answer = Callable[[bytes, bool, Asker], Awaitable[Response]]  # body, explained?, asker

logger = logging.getLogger(__name__)


def service_of(request: Request) -> Service:
    """The service that a request came to."""
    service: Service = request.app.state.service
    return service


class Service:
    """One verified model, its explainer and its audit log."""

    def __init__(
        self,
        package: ModelPackage,
        log: Callable[..., AuditLog],
        accepted: str,
        url: str,
        access: Access | None = None,
        per_minute: int = 0,
    ) -> None:
        self.package, self.input = package, package_input(package)
        self.loop: asyncio.AbstractEventLoop | None = None  # once the server runs
        self._score = package.scorer
        if not package.scores_golden_case():
            raise UserError(
                f"{package.directory}: scores its golden case differently here; do not serve it, "
                "train again"
            )
        access = access or Access()
        description = model_description(package, accepted, url, needs_key=not access.open)
        as_json = TypeAdapter(ModelDescription).dump_python(description, mode="json")
        self._description = UncachedResponse(as_json)
        self._card = PlainTextResponse(description["card"], media_type="text/markdown")
        self._explainer, self._explaining = self.input.explainer, Worker(limit=0)
        constant = {
            "model": package.manifest.model,
            "model_sha256": package.sha256,
            "code_version": __version__,
        }
        self.audit = log(constant, {"accepted": accepted} if accepted else {})
        self._conditions = Conditions(package, self.audit)
        self.door = Door(access, self.audit, per_minute)
        self.served = 0  # patients
        self.refusals: Counter[tuple[int, str]] = Counter()  # by status and recorded reason
        repeats = optional_module("deployment.repeats")
        self._repeats = repeats.Repeats() if repeats else None

    async def predict(self, request: Request) -> Response:
        """A risk, or a problem, once its record is on disk."""
        return await self.handle(request, self.input.worker.limit, self.one)

    async def handle(self, request: Request, limit: int, answer: Answer) -> Response:
        """The answer to a body of at most `limit` bytes of a caller that may ask.

        Without a record: a client that went away, a server without a free place, and the 503 of a
        record that cannot be written.
        """
        body, worker, asker = b"", self.input.worker, dict[str, object]()
        try:
            try:
                caller = self.door.caller(request)
                asker["client"] = caller.client
                if refusal := await self.door.over_quota(caller):
                    return refusal
                caller.check("predict")
                with worker.memory() as take:
                    body = await read_body(request, limit, take)
                    with worker.admit():
                        return await self._once(request, body, asker, answer)
            except RefusedError as refused:
                return await self._refuse(refused, body, asker)
            except UnknownCallerError as unknown:
                return await self.door.refuse(unknown)
            except ClientDisconnect:
                return problem(RefusedError(400, "the client went away"))
        except AuditError:
            self.refusals[503, UNRECORDED] += 1
            return problem(RefusedError(503, UNRECORDED))

    async def _once(self, request: Request, body: bytes, asker: Asker, answer: Answer) -> Response:
        """The answer; to a request that is sent again under its key, the one of the first time."""
        query, key = request.scope["query_string"], header(request, b"idempotency-key")
        explain = b"explain=true" in query.split(b"&")
        if key is None:
            return await answer(body, explain, asker)
        if self._repeats is None:
            raise RefusedError(400, "this service does not know the header Idempotency-Key")
        content = [request.url.path.encode(), query, body]
        known = {**asker, "idempotency_key": key}
        made: Response = await self._repeats.answer(
            str(asker["client"]), key, content, lambda: answer(body, explain, known)
        )
        return made

    async def one(self, body: bytes, explain: bool, asker: Asker) -> Response:
        """The answer to the request of one patient: a risk, or what is wrong; both are recorded.

        Raises:
            AuditError: the record could not be written.
        """
        try:
            answer = await self._answer(body, explain, asker)
            self.served += 1
            return answer
        except RefusedError as refused:
            return await self._refuse(refused, body, asker)
        except AuditError:
            raise
        except TimeoutError:
            late = RefusedError(504, "the model did not answer in time")
            return await self._refuse(late, body, asker)
        except Exception as error:  # its text may hold a value, so only its type is logged
            logger.error("prediction failed: %s", type(error).__name__)
            failure = RefusedError(500, "the model could not answer")
            return await self._refuse(failure, body, asker)

    async def _answer(self, body: bytes, explain: bool, asker: Asker) -> Response:
        """The answer to a body, given once its audit record is on disk.

        The record `prediction` says who asks (the facts of `asker`), the risk as the package shows
        it, the operating threshold, whether the risk before rounding reaches it, the request's id
        if it has one, and, where the input has warnings, how many as `reason`. It commits to the
        encoded row's bytes and is about the request's subject. The answer is a Prediction: the same
        facts without who asks, the warnings in full, the record's id, what the package says of
        itself, and the explanation where body or query (`explain`) ask for it. RefusedError (500)
        for a risk that is none.
        """
        request, risk = await self.input.worker.run(self._read_and_score, body)
        if not 0.0 <= risk <= 1.0:
            raise RefusedError(500, "the model gave no valid risk")
        threshold = self.package.threshold
        flagged = risk >= threshold
        shown = self.package.shown(risk)
        facts: Asker = {**asker, "risk": shown, "operating_threshold": threshold}
        facts["flagged"] = flagged
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
        if request.used:
            answer["used"] = request.used
        if request.request_id:
            answer["request_id"] = request.request_id
        if request.explain or explain:
            answer["explanation"] = await self._explanation(request, prediction_id, asker)
        return UncachedResponse(answer)

    def _read_and_score(self, body: bytes) -> tuple[PredictionRequest, float]:
        request = self.input.read(body)
        return request, float(self._score(request.row)[0][0])

    async def _refuse(self, refused: RefusedError, body: bytes, asker: Asker) -> Response:
        instance = ""
        if refused.status != HTTPStatus.SERVICE_UNAVAILABLE:  # no place: no record
            facts: dict[str, object] = {**asker, "status": refused.status, "reason": refused.detail}
            if refused.request_id:
                facts["request_id"] = refused.request_id
            event_id = await self.audit.append("refusal", facts, body)
            instance = f"urn:uuid:{event_id}"
        self.refusals[refused.status, refused.detail] += 1
        return problem(refused, instance)

    async def _explanation(
        self, request: PredictionRequest, prediction_id: str, asker: Asker
    ) -> Explanation | NoExplanation:
        """Why; whatever goes wrong, the prediction is served."""
        try:
            explainer = self._explainer
            answer, audited_bytes = await self._explaining.run(
                explainer.explain, request, explainer.seconds
            )
            facts = {**asker, "of": prediction_id}
            await self.audit.append("explanation", facts, audited_bytes)
        except Exception as error:
            logger.warning("explanation failed: %s", type(error).__name__)
            return {"available": False, "detail": "explanation unavailable"}
        return answer

    async def describe(self, request: Request) -> Response:
        """The model: its versions, schema, evaluation and card; only the card for text/markdown."""
        markdown = "text/markdown" in request.headers.get("accept", "")

        async def description() -> Response:
            return self._card if markdown else self._description

        return await self.door.describe(request, description)

    async def readiness(self) -> Readiness:
        """The conditions of an answer."""
        return await self._conditions.check()

    async def close(self) -> None:
        """Waits for records on their way, records the stop and lets go of the log."""
        self.input.worker.close()
        self._explaining.close()
        await self.audit.close()
