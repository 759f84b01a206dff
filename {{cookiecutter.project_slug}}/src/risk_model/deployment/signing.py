"""The signature of a package: who vouches for its manifest, which names the digest of every file.

Ed25519 (RFC 8032) over the bytes of manifest.json, in a file beside it, so that openssl can verify
it too. The keys are PEM files: `openssl genpkey -algorithm ed25519 -out sign.pem` makes one, and
`openssl pkey -in sign.pem -pubout -out verify.pem` its public half.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from risk_model.core.errors import UserError
from risk_model.core.files import refuse_writable_by_others, write_atomically
from risk_model.core.package import AGAIN, MANIFEST, ModelPackage

SIGNATURE = "manifest.sig"  # 64 bytes


def sign(package: ModelPackage, key: Path) -> None:
    """Signs a package with a private key.

    Raises:
        UserError: the key is none, or others than its owner may read it.
    """
    private = _key(key, lambda content: load_pem_private_key(content, None), "private key")
    if not isinstance(private, Ed25519PrivateKey):
        raise UserError(f"{key}: is no Ed25519 key; make one: openssl genpkey -algorithm ed25519")
    if key.stat().st_mode & 0o077:
        raise UserError(f"{key}: others than its owner may use it; chmod 600 {key}")
    write_atomically(package.directory / SIGNATURE, private.sign(_manifest(package)))


def verify(package: ModelPackage, key: Path) -> None:
    """That a package was signed with the private half of this key.

    Raises:
        UserError: it was not, or not as it is now; or the key is none, or others may change it.
    """
    public = _key(key, load_pem_public_key, "public key")
    if not isinstance(public, Ed25519PublicKey):
        raise UserError(f"{key}: is no Ed25519 key; openssl pkey -in sign.pem -pubout writes it")
    refuse_writable_by_others(key)
    path = package.directory / SIGNATURE
    if not path.is_file():
        raise UserError(f"{path}: is missing; register the run again with deployment.sign_key=…")
    try:
        public.verify(path.read_bytes(), _manifest(package))
    except InvalidSignature as error:
        raise UserError(f"{path}: was not made with the key of {key}; {AGAIN}") from error


def _manifest(package: ModelPackage) -> bytes:
    """The bytes of the manifest that was opened."""
    content = (package.directory / MANIFEST).read_bytes()
    if hashlib.sha256(content).hexdigest() != package.sha256:
        raise UserError(f"{package.directory / MANIFEST}: changed while it was read; {AGAIN}")
    return content


def _key(path: Path, load: Callable[[bytes], object], kind: str) -> object:
    try:
        return load(path.read_bytes())
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UserError(f"{path}: holds no {kind} in PEM without a password") from error
