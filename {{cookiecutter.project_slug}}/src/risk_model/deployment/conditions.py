"""The conditions of an answer: an unchanged package, a model that works, a log that can be kept."""

from __future__ import annotations

import asyncio
import math
import time
from contextlib import suppress

from risk_model.core.errors import UserError
from risk_model.core.package import ModelPackage
from risk_model.deployment.audit import AuditError, AuditLog
from risk_model.deployment.responses import Readiness

READY_SECONDS = 1.0  # for which what was looked at holds


class Conditions:
    """The conditions under which a service can answer, as they were when last looked at."""

    def __init__(self, package: ModelPackage, audit: AuditLog) -> None:
        self.package, self.audit = package, audit
        self._checked: tuple[float, dict[str, bool]] = (-math.inf, {})

    async def check(self) -> Readiness:
        """The conditions of an answer, looked at again after READY_SECONDS."""
        if time.monotonic() - self._checked[0] > READY_SECONDS:
            checks = await asyncio.to_thread(self._model_checks)
            checks["audit_append"] = await self._audit_works()
            self._checked = (time.monotonic(), checks)
        checks = self._checked[1]
        return {"ready": all(checks.values()), "checks": checks}

    def _model_checks(self) -> dict[str, bool]:
        package = self.package
        try:
            unchanged = ModelPackage.open(package.directory).sha256 == package.sha256
        except (UserError, OSError):
            unchanged = False
        golden = False
        with suppress(Exception):  # whatever a model may raise
            golden = package.scores_golden_case()
        return {"model_digest": unchanged, "golden_case": golden}

    async def _audit_works(self) -> bool:
        """Whether the last record could be written; after a failure, whether one can be now."""
        try:
            if self.audit.failed:
                await self.audit.append("probe", {})
        except AuditError:
            return False
        return True
