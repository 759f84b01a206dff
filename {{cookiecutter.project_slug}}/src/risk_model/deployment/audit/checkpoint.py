"""Signed heads of the log, and the keys that sign them.

A checkpoint is a C2SP tlog-checkpoint: origin, number of records and root of the tree as a note
signed with Ed25519, which tools other than this one read. Whoever keeps one elsewhere can tell
later whether the log still holds, unchanged, what it held then.
"""

from __future__ import annotations

import base64
import os
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from risk_model.core.errors import UserError

ED25519 = b"\1"  # the algorithm's number in notes
NAME = re.compile(r"[^\s+]+")
# a whole checkpoint, wherever it stands in a file: what a crash cut off does not match
NOTE = re.compile(rb"(?m)^[^\n]+\n[0-9]+\n[^\n]+\n\n\xe2\x80\x94 [^ \n]+ [A-Za-z0-9+/]{91}=\n")
SIGNING, VERIFYING, COMMITMENT = "audit.key", "audit.vkey", "commitment.key"
SECRET = 32  # bytes


@dataclass(frozen=True)
class Verifier:
    """A public key with its name, which is the origin of its log."""

    name: str
    public: bytes

    @classmethod
    def parse(cls, vkey: str) -> Verifier:
        """Reads a verifier key `name+id+base64`; ValueError when it is none."""
        name, _, rest = vkey.strip().partition("+")
        verifier = cls(name, base64.b64decode(rest.partition("+")[2], validate=True)[1:])
        if verifier.vkey != vkey.strip() or len(verifier.public) != SECRET:
            raise ValueError("not a verifier key")
        return verifier

    @property
    def key_id(self) -> bytes:
        """The first four bytes of the hash of name and key."""
        return sha256(f"{self.name}\n".encode() + ED25519 + self.public).digest()[:4]

    @property
    def vkey(self) -> str:
        """The key as text, to be published."""
        encoded = base64.b64encode(ED25519 + self.public).decode()
        return f"{self.name}+{self.key_id.hex()}+{encoded}"

    def signed_text(self, note: bytes) -> bytes:
        """The text of a note; ValueError unless this key signed it, and nothing is spelt oddly."""
        text, separator, line = note.rpartition(b"\n\n")
        signature = base64.b64decode(line.rpartition(b" ")[2].strip())
        if not separator or line != self.signature_line(signature[4:]):
            raise ValueError("not a note with one signature by this key")
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature[4:], text + b"\n")
        except InvalidSignature as error:
            raise ValueError("bad signature") from error
        return text + b"\n"

    def signature_line(self, signature: bytes) -> bytes:
        """The last line of a note."""
        encoded = base64.b64encode(self.key_id + signature).decode()
        return f"— {self.name} {encoded}\n".encode()


class Signer:
    """A private key with its name."""

    def __init__(self, name: str, seed: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.verifier = Verifier(name, self._private.public_key().public_bytes_raw())
        self._key_id = self.verifier.key_id

    def sign(self, text: bytes) -> bytes:
        """The note of a text that ends with a line's end."""
        return text + b"\n" + self.verifier.signature_line(self._private.sign(text))


@dataclass(frozen=True)
class Checkpoint:
    """What a log states of itself: its origin, how many records, the root of their tree."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> bytes:
        """What is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n".encode()

    @classmethod
    def read(cls, note: bytes, verifier: Verifier) -> Checkpoint:
        """Reads a note; ValueError unless this key signed it as a checkpoint of its log."""
        text = verifier.signed_text(note)
        origin, size, root, *_ = text.decode().split("\n")
        checkpoint = cls(origin, int(size), base64.b64decode(root))
        if checkpoint.text != text or origin != verifier.name:
            raise ValueError("not a checkpoint of this log")
        return checkpoint


@dataclass(frozen=True)
class Keys:
    """What a writer must hold: the signing key, the secret of the commitments, and every verifier
    key that its log ever had, the oldest first.
    """

    signer: Signer
    secret: bytes
    verifiers: tuple[Verifier, ...]

    @classmethod
    def load(cls, directory: Path) -> Keys:
        """Reads the keys of a log.

        Raises:
            UserError: one is missing, empty, damaged, or may be read by others.
        """
        try:
            signer = read_signer(directory / SIGNING)
            secret = _private_file(directory / COMMITMENT)
            if len(secret) != SECRET:
                raise ValueError(f"{COMMITMENT} is damaged")
            verifiers = read_verifiers(directory / VERIFYING)
            if verifiers[-1] != signer.verifier:
                raise ValueError(f"{VERIFYING} does not end with the key of {SIGNING}")
            return cls(signer, secret, verifiers)
        except (OSError, ValueError) as error:
            raise UserError(
                f"{directory}: no usable keys of an audit log ({error}); put back the copy that "
                "was kept of them, or make new ones for a new log: audit keys DIRECTORY"
            ) from error


def make_keys(directory: Path, origin: str = "") -> Verifier:
    """Makes the keys of one log, readable by their owner alone.

    Raises:
        UserError: there are keys already, or the folder cannot be written.
    """
    origin = origin or f"risk-model-audit-{secrets.token_hex(4)}"
    if not NAME.fullmatch(origin):
        raise UserError(f"'{origin}' cannot name a log; leave out spaces and plus signs")
    seed = secrets.token_bytes(SECRET)
    verifier = Signer(origin, seed).verifier
    content = {
        COMMITMENT: secrets.token_bytes(SECRET),
        VERIFYING: f"{verifier.vkey}\n".encode(),
        SIGNING: signing_key(verifier, seed),
    }
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name, key in content.items():
            write_private(directory / name, key)
    except OSError as error:
        raise UserError(f"{error.filename}: {error.strerror}; name another folder") from error
    return verifier


def read_verifiers(path: Path) -> tuple[Verifier, ...]:
    """The verifier keys in a file, one a line, the oldest first; ValueError when it holds none."""
    verifiers = tuple(Verifier.parse(line) for line in path.read_text().splitlines())
    if not verifiers:
        raise ValueError(f"{path.name} is empty")
    return verifiers


def read_signer(path: Path) -> Signer:
    """The private key in a file; ValueError when it is damaged or may be read by others."""
    content = _private_file(path)
    with suppress(ValueError):
        name, _, encoded = content.decode().strip().split("+", 4)[2:]
        seed = base64.b64decode(encoded, validate=True)[1:]
        signer = Signer(name, seed)
        if signing_key(signer.verifier, seed) == content:
            return signer
    raise ValueError(f"{path.name} is damaged")


def signing_key(verifier: Verifier, seed: bytes) -> bytes:
    """The text of a private key, in the form that note tools read."""
    encoded = base64.b64encode(ED25519 + seed).decode()
    return f"PRIVATE+KEY+{verifier.name}+{verifier.key_id.hex()}+{encoded}\n".encode()


def write_private(path: Path, content: bytes) -> None:
    """Writes a new file for its owner alone; FileExistsError when there is one."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _private_file(path: Path) -> bytes:
    if path.stat().st_mode & 0o077:
        raise ValueError(f"others may read {path.name}: chmod 600 it")
    return path.read_bytes()
