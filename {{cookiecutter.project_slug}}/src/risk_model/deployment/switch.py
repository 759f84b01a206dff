"""The switch: another model takes over while the server runs, and no request is dropped.

How does a new champion, or the last one, come into a ward that never stops asking? SIGHUP makes the
server look up the alias it was started with. It is the signal that service managers send for "read
your settings again", only whoever runs the server may send it, and it needs no route that an
attacker could find. The package behind the alias is opened and checked beside the one that answers,
as at a start. What is refused is recorded and said, and the old one goes on. Else an application of
its own, with its own threads, takes every request that comes from then on; those on their way end
with the model they began with, and each record names the model that answered.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from risk_model.core.errors import UserError
from risk_model.core.schema import Schema
from risk_model.deployment.access import Access
from risk_model.deployment.app import Service
from risk_model.deployment.application import application
from risk_model.deployment.audit import AuditError, AuditLog
from risk_model.deployment.audit.record import Kind
from risk_model.deployment.health import Health
from risk_model.deployment.registry import package_of_alias
from risk_model.deployment.serve import open_checked
from risk_model.deployment.server_settings import ServerSettings
from risk_model.deployment.start_changes import remember_package

logger = logging.getLogger(__name__)


class ModelLog:
    """The audit log as a model that took over writes to it: its records name that model.

    Args:
        log: the log, which knows the model of the start.
        constant: facts that stand in every record of this model.
    """

    def __init__(self, log: AuditLog, constant: Mapping[str, object]) -> None:
        self.log, self.constant = log, constant

    @property
    def path(self) -> Path:
        """The log's file."""
        return self.log.path

    @property
    def failed(self) -> bool:
        """Whether the last record was lost."""
        return self.log.failed

    async def append(
        self, kind: Kind, facts: Mapping[str, object], committed: bytes = b"", subject: str = ""
    ) -> str:
        """As `AuditLog.append`."""
        return await self.log.append(kind, {**self.constant, **facts}, committed, subject)

    async def close(self) -> None:
        """As `AuditLog.close`."""
        await self.log.close(self.constant)


@dataclass
class Answering:
    """An application, its service, and how many requests it is answering."""

    app: FastAPI
    service: Service
    accepted: str = ""  # by whom, where its gate did not pass
    requests: int = 0

    def end(self) -> None:
        """Lets its threads end, once nobody waits for them."""
        self.service.input.worker.close()
        self.service._explaining.close()


class Switch:
    """The application of the model that answers, and how another takes its place.

    Args:
        app: of the model that was served at the start.
        health: tells of the model that answers.
        url: where the service is reached, for its example.
        access: who may ask.
        settings: where the next package is found, and what it must fulfil.
    """

    def __init__(
        self, app: FastAPI, health: Health, url: str, access: Access, settings: ServerSettings
    ) -> None:
        self.app, self.health, self.settings = app, health, settings
        self.url, self.access = url, access
        self._log: AuditLog = app.state.service.audit
        self._answering = Answering(app, app.state.service)
        self._one_at_a_time = asyncio.Lock()
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGHUP, lambda *_: self.ask())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands a request to the model that answers when it comes, which also ends it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answering = self._answering
        answering.requests += 1
        try:
            await answering.app(scope, receive, send)
        finally:
            answering.requests -= 1
            self._let_go(answering)

    def ask(self) -> None:
        """Looks the alias up again, beside the requests; what comes of it is said in a line."""
        loop = self._answering.service.loop
        if loop is None:
            logger.error("the model was not changed: the server has yet to start")
            return
        asyncio.run_coroutine_threadsafe(self.switch(), loop)

    async def switch(self) -> None:
        """Lets the package that has the alias now take over, or records why it does not."""
        async with self._one_at_a_time:
            try:
                next_one = await asyncio.to_thread(self._open_next)
                if next_one is not None:
                    await self._take_over(next_one)
            except AuditError:
                logger.error("the model was not changed: the change could not be recorded")
            except Exception as error:
                await self._refuse(error)

    def _open_next(self) -> Answering | None:
        """The package that has the alias, ready to answer; None where it answers already."""
        settings, now = self.settings, self._answering.service
        if settings.registry is None:
            raise UserError("it was started with --package; start it without to switch by alias")
        directory = package_of_alias(settings.registry, settings.name, settings.alias)
        if directory.name == now.package.sha256:
            print(f"the {settings.alias} is served already", flush=True)
            return None
        package, accepted = open_checked(directory, "", settings)
        if _question(package.schema) != _question(now.package.schema):
            raise UserError(
                f"{directory}: asks for other fields or units, or predicts another outcome, than "
                "the model that is served; tell the clients, and start the server anew"
            )

        def log(constant: Mapping[str, object], _: Mapping[str, object]) -> AuditLog:
            return cast(AuditLog, ModelLog(self._log, constant))

        service = Service(package, log, accepted, self.url, self.access)
        service.loop, service._repeats = now.loop, now._repeats
        service.door.recorded, service.door.unknown = now.door.recorded, now.door.unknown
        service.door.quotas = now.door.quotas
        return Answering(application(service, settings.origins), service, accepted)

    async def _take_over(self, after: Answering) -> None:
        """Records the change, then makes it, in one step of the loop."""
        before, service = self._answering, after.service
        facts = {
            "alias": self.settings.alias,
            "previous_sha256": before.service.package.sha256,
            "accepted": after.accepted,
        }
        told = {name: fact for name, fact in facts.items() if fact}
        try:
            await service.audit.append("model_change", told)
        except AuditError:
            after.end()
            raise
        self._answering, self.app.state.service, self.health.service = after, service, service
        if self.health.metrics is not None:
            self.health.metrics.service = service
        self.health.state.places = service.input.worker.places
        self._let_go(before)
        package = service.package
        print(f"serving {package.manifest.model} {package.sha256[:12]} from now on", flush=True)
        await asyncio.to_thread(remember_package, self._log.path, package.sha256)

    async def _refuse(self, error: Exception) -> None:
        """Says and records why the model was not changed, and that the old one answers."""
        # the text of an error that is not ours could hold anything
        reason = str(error) if isinstance(error, UserError) else type(error).__name__
        logger.error("the model was not changed: %s", reason)
        facts = {"alias": self.settings.alias, "reason": reason}
        try:
            await self._answering.service.audit.append("model_change", facts)
        except AuditError:
            logger.error("nor could that be recorded")

    def _let_go(self, answering: Answering) -> None:
        """Ends the threads of a model that no longer answers, after its last request."""
        if answering is not self._answering and not answering.requests:
            answering.end()


def _question(schema: Schema) -> object:
    """What clients must know of a model: what they send, and what the answer is about."""
    signal = schema.signal
    fields = sorted((f.name, f.kind, f.unit, f.missing_allowed) for f in schema.inputs)
    return schema.outcome, signal and (signal.name, signal.kind, signal.units), fields
