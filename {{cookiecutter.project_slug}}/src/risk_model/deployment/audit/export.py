"""Plain exports: the records as lines of JSON, as they stand in the log."""

from __future__ import annotations

from contextlib import closing
from hashlib import sha256
from pathlib import Path

from risk_model.core.files import write_atomically
from risk_model.deployment.audit.store import Store
from risk_model.deployment.audit.verify import snapshot


def export(path: Path, output: Path) -> tuple[int, str]:
    """Writes the records that were not erased to a file; how many, and the file's SHA-256.

    Raises:
        UserError: the log cannot be read.
    """
    with snapshot(path) as database:
        query = "SELECT body FROM record WHERE body IS NOT NULL ORDER BY seq"
        bodies = [body for (body,) in database.execute(query)]
    content = b"".join(body + b"\n" for body in bodies)
    write_atomically(output, content)
    return len(bodies), sha256(content).hexdigest()


def recorded_export(
    path: Path, output: Path, keys: Path | None = None, checkpoints: Path | None = None
) -> tuple[int, str]:
    """An export of which the log itself tells; UserError while a server writes to it."""
    with closing(Store(path, keys, checkpoints)) as store:
        records, digest = export(path, partial := output.with_name(f".{output.name}.unrecorded"))
        store.commit([store.event("export", {"records": records, "digest": digest})])
        partial.replace(output)
    return records, digest
