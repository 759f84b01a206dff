"""Metrics for Prometheus: counts and times of answers and of the audit log, none about a patient.

Labels hold routes, status codes and the server's own words; never a caller's input, path or name.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from risk_model import __version__
from risk_model.deployment.app import Service
from risk_model.deployment.http_guard import GuardedState
from risk_model.deployment.prometheus_format import MEDIA_TYPE, Histogram, metric, sample

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds
ROUTES = frozenset("/v1/predict /v1/predict/batch /v1/model /openapi.json /livez /readyz".split())
OTHER = "other"  # every path that is no route, as a path may hold what it should not


class Metrics:
    """Counts what a server answers, and how its audit log fares.

    Args:
        service: whose answers are counted.
        state: of its connections.
    """

    def __init__(self, service: Service, state: GuardedState) -> None:
        self.service, self.state = service, state
        self.answers: Counter[tuple[str, int]] = Counter()  # by route and status
        self.seconds: dict[str, Histogram] = {}  # by route
        self.appends, self.lost = Histogram(BOUNDS), 0
        self.checkpoint = time.monotonic()  # the start's own record was signed just now
        service.audit.observe = self.note_commit

    def count(self, route: str, status: int, seconds: float) -> None:
        """Counts an answer to a route."""
        self.answers[route, status] += 1
        times = self.seconds.get(route) or self.seconds.setdefault(route, Histogram(BOUNDS))
        times.add(seconds)

    def note_commit(self, seconds: float, lost: int) -> None:
        """Counts an attempt of the audit log to make records durable, and those it lost."""
        if lost:
            self.lost += lost
        else:
            self.appends.add(seconds)
            self.checkpoint = time.monotonic()

    def wrap(self, app: ASGIApp) -> ASGIApp:
        """The application, whose answers are counted."""

        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            start, status = time.perf_counter(), 500

            async def noted(message: Message) -> None:
                nonlocal status
                status = message.get("status", status)
                await send(message)

            try:
                await app(scope, receive, noted)
            finally:
                route = scope["path"] if scope["path"] in ROUTES else OTHER
                self.count(route, status, time.perf_counter() - start)

        return counted

    async def endpoint(self, _: Request) -> Response:
        """`GET /metrics`."""
        return Response(self.text(), media_type=MEDIA_TYPE)

    def text(self) -> str:
        """Every metric."""
        return "".join([*self._answers(), *self._predictions(), *self._log(), *self._now()])

    def _answers(self) -> Iterator[str]:
        """What was answered over HTTP, or not even read."""
        told = [
            sample("requests_total", (("route", route), ("code", str(status))), n)
            for (route, status), n in sorted(dict(self.answers).items())
        ]
        yield metric("requests_total", "counter", "Answers by route and status.", told)
        times = [
            line
            for route, histogram in sorted(dict(self.seconds).items())
            for line in histogram.samples("request_duration_seconds", (("route", route),))
        ]
        yield metric("request_duration_seconds", "histogram", "Seconds to an answer.", times)
        unknown = dict(self.service.door.unknown)
        yield _counter("auth_failures_total", "Callers that nobody knows.", unknown)
        yield _plain(
            "connections_refused_total",
            "counter",
            "Requests and connections refused before the application.",
            self.state.refused,
        )

    def _predictions(self) -> Iterator[str]:
        """What became of patients, those of a batch one by one, and what answered."""
        service, refusals = self.service, dict(self.service.refusals)
        errors = sum(n for (status, _), n in refusals.items() if status >= 500)
        refused = sum(refusals.values()) - errors
        outcomes = {"served": service.served, "refused": refused, "error": errors}
        told = [sample("predictions_total", (("outcome", key),), n) for key, n in outcomes.items()]
        yield metric("predictions_total", "counter", "What became of patients.", told)
        reasons: Counter[str] = Counter()
        for (_, reason), n in refusals.items():
            reasons[reason] += n
        yield _counter("refused_total", "Refusals by the reason that is recorded.", reasons)
        model = (("model", service.package.manifest.model), ("version", service.package.sha256))
        served = sample("served_model_info", (*model, ("code_version", __version__)), 1)
        yield metric("served_model_info", "gauge", "What is served.", [served])

    def _log(self) -> Iterator[str]:
        """How the audit log fares."""
        audit, age = self.service.audit, time.monotonic() - self.checkpoint
        name, help_text = "audit_append_seconds", "Seconds to make a batch of records durable."
        yield metric(name, "histogram", help_text, self.appends.samples(name))
        lost = "Records that could not be written, for which nobody got an answer."
        yield _plain("audit_append_failures_total", "counter", lost, self.lost)
        yield _plain("audit_failed", "gauge", "Whether the last record was lost.", audit.failed)
        kept = "Seconds since the last checkpoint was signed and kept."
        yield _plain("checkpoint_age_seconds", "gauge", kept, age)

    def _now(self) -> Iterator[str]:
        """What the server is doing at the moment."""
        worker, state = self.service.input.worker, self.state
        turned = time.monotonic() - state.beat
        gauges = {
            "requests_inflight": ("Requests that hold a place.", worker.places - worker.free),
            "places_free": ("Requests that can still be taken on.", worker.free),
            "threads_hung": ("Threads that did not answer in time.", worker.hung),
            "connections": ("Open connections.", len(state.connections)),
            "event_loop_age_seconds": ("Seconds since the event loop last turned.", turned),
        }
        for name, (text, value) in gauges.items():
            yield _plain(name, "gauge", text, value)


def _plain(name: str, kind: str, text: str, value: float) -> str:
    """A metric without labels."""
    return metric(name, kind, text, [sample(name, (), value)])


def _counter(name: str, text: str, reasons: dict[str, int]) -> str:
    """A counter by reason."""
    told = [sample(name, (("reason", reason),), n) for reason, n in sorted(reasons.items())]
    return metric(name, "counter", text, told)
