"""Retention: a log is closed as a segment, and a new file goes on with its numbers and its tree.

The first record of a segment names the last checkpoint of the one before it. So whole segments can
be deleted when their time is over; those that stay verify without them.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from risk_model.core.errors import UserError
from risk_model.deployment.audit.proofs import read_leaves
from risk_model.deployment.audit.store import Store, default_keys


def close_segment(path: Path, keys: Path | None = None, checkpoints: Path | None = None) -> Path:
    """Closes a log that no server writes to; returns the segment's file, beside the new one.

    Raises:
        UserError: a server writes to it, or it is not what was written.
    """
    path = path.resolve()
    if not path.exists():
        raise UserError(f"{path}: there is no log to close")
    keys = keys or default_keys(path)
    begun = path.with_name(f".{path.name}.new")
    for leftover in path.parent.glob(f"{begun.name}*"):
        leftover.unlink()
    with closing(Store(path, keys, checkpoints)) as old:
        leaves, note = read_leaves(path, old.keys.verifiers)
        frontier = old.tree.frontier.hex()
        facts = {"previous_checkpoint": note.decode(), "previous_frontier": frontier}
        with closing(Store(begun, keys)) as new:
            new.go_on_from(old.tree)
            new.commit([new.event("start", facts)])
        old.disconnect()
        numbers = f"{leaves.before.size + 1:010}-{leaves.size:010}"  # names sort as records do
        closed = path.with_name(f"{path.stem}.{numbers}{path.suffix}")
        if not closed.exists():  # as after a crash before the last step
            closed.hardlink_to(path)
        begun.replace(path)
    return closed
