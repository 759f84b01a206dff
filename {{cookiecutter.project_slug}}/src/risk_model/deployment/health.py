"""Health: whether the server lives and whether it can answer, told from a thread of its own.

What asks (an orchestrator, a load balancer, a monitoring system) is answered while the model hangs
or the server is overloaded, on a port that need not be reached by anybody else.
"""

from __future__ import annotations

import asyncio
import time

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from risk_model.core.optional import optional_module
from risk_model.deployment.app import Service
from risk_model.deployment.http_guard import GuardedState
from risk_model.deployment.requests import RefusedError
from risk_model.deployment.responses import ERRORS, Liveness, Readiness, UncachedResponse, problem

STUCK_SECONDS = 10.0  # for which the loop may stand still before the process should be replaced
CHECK_SECONDS = 5.0  # for all conditions of readiness together
LOOK_SECONDS = 0.1  # between two looks at whether the server drains


class Health:
    """What is told of a server."""

    def __init__(self, service: Service, state: GuardedState) -> None:
        self.service, self.state, self.draining = service, state, False
        routes = [Route("/livez", self.alive), Route("/readyz", self.ready)]
        metrics = optional_module("deployment.metrics")
        self.metrics = metrics.Metrics(service, state) if metrics else None
        if self.metrics is not None:
            routes.append(Route("/metrics", self.metrics.endpoint))
        self.app = Starlette(routes=routes, exception_handlers=ERRORS)
        self.app.router.redirect_slashes = False

    def wrap(self, app: ASGIApp) -> ASGIApp:
        """The application, whose answers are counted in an edition that tells of them."""
        return self.metrics.wrap(app) if self.metrics else app

    def drain(self) -> None:
        """From now on the server is not ready, so that nobody is sent here any more."""
        self.draining = True

    async def alive(self, _: Request) -> Response:
        """Whether the loop turns; while the server drains, that it lives."""
        stuck = time.monotonic() - self.state.beat > STUCK_SECONDS
        if stuck and not self.draining:
            return problem(RefusedError(503, f"nothing has moved for {STUCK_SECONDS:g} seconds"))
        content: Liveness = {"alive": True}
        return UncachedResponse(content)

    async def ready(self, _: Request) -> Response:
        """Whether predictions can be given, and each condition for it."""
        readiness = await self.readiness()
        return UncachedResponse(readiness, 200 if readiness["ready"] else 503)

    async def readiness(self) -> Readiness:
        """The conditions, looked at in the server's own loop, which may stand still."""
        loop = self.service.loop
        if self.draining or loop is None:
            return {"ready": False, "checks": {"accepting": False}}
        looking = asyncio.run_coroutine_threadsafe(self.service.readiness(), loop)
        looked, until = asyncio.wrap_future(looking), time.monotonic() + CHECK_SECONDS
        while time.monotonic() < until and not self.draining:
            await asyncio.wait([looked], timeout=LOOK_SECONDS)
            if looked.done():
                return looked.result()
        looked.cancel()
        return {"ready": False, "checks": {"accepting" if self.draining else "event_loop": False}}
