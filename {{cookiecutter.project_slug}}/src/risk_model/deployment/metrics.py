"""Metrics in the text format of Prometheus: counts and times of answers, none about a patient.

Labels hold routes, status codes and what the model said; never a caller's input, path or name.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from risk_model import __version__
from risk_model.deployment.app import Service
from risk_model.deployment.http_guard import GuardedState

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds
ROUTES = frozenset("/v1/predict /v1/predict/batch /v1/model /openapi.json /livez /readyz".split())
OTHER = "other"  # every path that is no route, as a path may hold what it should not
Labels = tuple[tuple[str, str], ...]


class Histogram:
    """How many values lay below each bound, and their sum."""

    def __init__(self) -> None:
        self.counts, self.total = [0] * (len(BOUNDS) + 1), 0.0

    def add(self, value: float) -> None:
        """Counts a value."""
        self.counts[bisect_left(BOUNDS, value)] += 1
        self.total += value

    def samples(self, name: str, labels: Labels) -> Iterator[str]:
        """The lines of the format, cumulative as it wants them."""
        below = 0
        for bound, count in zip((*BOUNDS, float("inf")), self.counts, strict=True):
            below += count
            edge = "+Inf" if bound == float("inf") else f"{bound:g}"
            yield sample(f"{name}_bucket", (*labels, ("le", edge)), below)
        yield sample(f"{name}_sum", labels, self.total)
        yield sample(f"{name}_count", labels, below)


def sample(name: str, labels: Labels, value: float) -> str:
    """One line of the format.

    >>> sample("answers_total", (("code", "200"),), 3)
    'answers_total{code="200"} 3'
    """
    inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels)
    return f"{name}{{{inside}}} {value:g}" if inside else f"{name} {value:g}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def metric(name: str, kind: str, text: str, samples: Iterable[str]) -> str:
    """A metric with its help and type."""
    return "\n".join([f"# HELP {name} {text}", f"# TYPE {name} {kind}", *samples]) + "\n"


class Metrics:
    """Counts what a server answers.

    Args:
        service: whose answers are counted.
        state: of its connections.
    """

    def __init__(self, service: Service, state: GuardedState) -> None:
        self.service, self.state = service, state
        self.answers: Counter[Labels] = Counter()
        self.seconds: dict[str, Histogram] = {}

    def count(self, route: str, status: int, seconds: float) -> None:
        """Counts an answer to a route."""
        self.answers[("route", route), ("code", str(status))] += 1
        self.seconds.setdefault(route, Histogram()).add(seconds)

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
        worker, state, service = self.service.input.worker, self.state, self.service
        answers, times = dict(self.answers), dict(self.seconds)
        manifest = service.package.manifest
        said = {("model", manifest.model), ("version", service.package.sha256)}
        served = (*sorted(said), ("code_version", __version__))
        told = [sample("requests_total", labels, n) for labels, n in sorted(answers.items())]
        durations = [
            line
            for route, histogram in sorted(times.items())
            for line in histogram.samples("request_duration_seconds", (("route", route),))
        ]
        outcomes = [
            sample("predictions_total", (("outcome", outcome),), n)
            for outcome, n in sorted(_outcomes(answers).items())
        ]
        failures = [
            sample("auth_failures_total", (("reason", reason),), n)
            for reason, n in sorted(dict(service.door.unknown).items())
        ]
        gauges = {
            "requests_inflight": ("Requests that hold a place.", worker.places - worker.free),
            "places_free": ("Requests that can still be taken on.", worker.free),
            "threads_hung": ("Threads that did not answer in time.", worker.hung),
            "connections": ("Open connections.", len(state.connections)),
            "event_loop_age_seconds": (
                "Seconds since the event loop last turned.", time.monotonic() - state.beat,
            ),
            "audit_failed": ("Whether the last audit record was lost.", service.audit.failed),
        }  # fmt: skip
        counters = {
            "connections_refused_total": (
                "Requests and connections refused before the application.", state.refused,
            ),
        }  # fmt: skip
        return "".join(
            [
                metric("requests_total", "counter", "Answers by route and status.", told),
                metric("request_duration_seconds", "histogram", "Time to an answer.", durations),
                metric("predictions_total", "counter", "What became of requests.", outcomes),
                metric(
                    "served_model_info",
                    "gauge",
                    "What is served.",
                    [sample("served_model_info", served, 1)],
                ),
                metric("auth_failures_total", "counter", "Callers that nobody knows.", failures),
                *_plain(gauges, "gauge"),
                *_plain(counters, "counter"),
            ]
        )


def _plain(metrics: Mapping[str, tuple[str, float]], kind: str) -> list[str]:
    return [
        metric(name, kind, text, [sample(name, (), value)])
        for name, (text, value) in metrics.items()
    ]


def _outcomes(answers: Mapping[Labels, int]) -> Counter[str]:
    """Answers to predictions: served, refused for what was asked, or failed here."""
    outcomes: Counter[str] = Counter({"served": 0, "refused": 0, "error": 0})
    for labels, n in answers.items():
        facts = dict(labels)
        if facts["route"] == "/v1/predict":
            kind = {"2": "served", "4": "refused"}.get(facts["code"][0], "error")
            outcomes[kind] += n
    return outcomes
