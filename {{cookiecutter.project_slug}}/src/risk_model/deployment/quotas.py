"""Quotas: how many requests one client may send, so that no client takes what others need.

A client, by the name under which its keys or tokens are known, has a bucket of one minute's
requests, which fills again at an even rate. Whoever empties it gets 429 and is told when to come
again. Together with rounded risks that is what there is against somebody who asks thousands of
times to learn the model, or who was in its training.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from starlette.responses import Response

from risk_model.core.errors import UserError
from risk_model.deployment.audit import AuditLog
from risk_model.deployment.requests import RefusedError
from risk_model.deployment.responses import problem

MINUTE = 60.0  # seconds
STATUS = 429
TEXT = "this client has asked as often as it may for now"


@dataclass(slots=True)
class Bucket:
    """What is left to a client, below zero after a batch that was larger; times are monotonic."""

    left: float
    filled: float
    recorded: float = -math.inf


class Quotas:
    """The quotas of all clients of one server.

    Args:
        per_minute: requests that each may send in a minute; a batch counts as many as it holds.

    Raises:
        UserError: the number is negative.
    """

    def __init__(self, per_minute: int) -> None:
        if per_minute < 0:
            raise UserError(
                f"--requests-per-minute {per_minute}: give a number, or 0 for any number"
            )
        self.per_minute, self.rate = per_minute, per_minute / MINUTE
        self._buckets: dict[str, Bucket] = {}  # no more than there are clients with keys

    def take(self, client: str, requests: int) -> None:
        """Takes requests from what a client has left, be it less than that."""
        self._bucket(client).left -= requests

    async def refusal(self, client: str, audit: AuditLog) -> Response | None:
        """The refusal of a request that is one too many; None for another.

        The first of a client in each minute is recorded, the others only counted in the metrics: a
        client that does not stop would fill the disk.

        Raises:
            AuditError: it could not be recorded.
        """
        bucket = self._bucket(client)
        if bucket.left >= 1:
            bucket.left -= 1
            return None
        if bucket.filled - bucket.recorded >= MINUTE:
            bucket.recorded = bucket.filled
            facts = {"client": client, "status": STATUS, "reason": TEXT}
            await audit.append("refusal", facts)
        again = {"retry-after": str(math.ceil((1 - bucket.left) / self.rate))}
        return problem(RefusedError(STATUS, TEXT), headers=again)

    def _bucket(self, client: str) -> Bucket:
        """A client's bucket as it is now."""
        now = time.monotonic()
        bucket = self._buckets.setdefault(client, Bucket(self.per_minute, now))
        bucket.left = min(bucket.left + (now - bucket.filled) * self.rate, self.per_minute)
        bucket.filled = now
        return bucket
