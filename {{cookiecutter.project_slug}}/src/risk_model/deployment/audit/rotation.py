"""The change of the signing key, which the old key signs.

Whoever trusts the old key can follow to the new one: the record that names it carries its
endorsement, and its checkpoint is the last that the old key signs. The secret of the commitments
stays. A crash between record and key is mended by the next call; until then no server starts.
"""

from __future__ import annotations

import secrets
from contextlib import closing
from pathlib import Path

from risk_model.core.files import write_atomically
from risk_model.deployment.audit.checkpoint import (
    SECRET,
    SIGNING,
    VERIFYING,
    Signer,
    Verifier,
    read_signer,
    read_verifiers,
    signing_key,
    write_private,
)
from risk_model.deployment.audit.record import Record
from risk_model.deployment.audit.store import Store, default_keys
from risk_model.deployment.audit.verify import snapshot, verifier_keys


def rotate(path: Path, keys: Path | None = None, checkpoints: Path | None = None) -> Verifier:
    """Makes a new signing key for a log that no server writes to; returns its public half.

    Raises:
        UserError: a server writes to the log, it is not what was written, or the keys do not fit.
    """
    folder = keys or default_keys(path)
    name = verifier_keys(path, folder / VERIFYING)[-1].name
    waiting = folder / f"{SIGNING}.next"
    if not waiting.exists():
        seed = secrets.token_bytes(SECRET)
        write_private(waiting, signing_key(Signer(name, seed).verifier, seed))
    new = read_signer(waiting).verifier
    if _last_record(path).vkey != new.vkey:
        with closing(Store(path, folder, checkpoints)) as store:
            endorsement = store.keys.signer.sign(f"{new.vkey}\n".encode()).decode()
            facts = {"vkey": new.vkey, "endorsement": endorsement}
            store.commit([store.event("key_rotation", facts)])
    known = read_verifiers(folder / VERIFYING)
    if known[-1] != new:
        lines = "".join(f"{verifier.vkey}\n" for verifier in (*known, new))
        write_atomically(folder / VERIFYING, lines.encode())
    waiting.replace(folder / SIGNING)
    return new


def _last_record(path: Path) -> Record:
    with snapshot(path) as database:
        ((body,),) = database.execute("SELECT body FROM record ORDER BY seq DESC LIMIT 1")
    return Record.parse(body)
