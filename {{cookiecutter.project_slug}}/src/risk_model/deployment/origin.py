"""The origin of a package: the digest that is pinned, and the key that it must be signed for."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from risk_model.core.errors import UserError
from risk_model.core.optional import optional_module
from risk_model.core.package import ModelPackage


def check_origin(package: ModelPackage, sha256: str, verify_key: str) -> None:
    """That a package is the pinned one, and signed; "" asks for neither.

    Args:
        package: what was opened.
        sha256: of the manifest that must be served, in hex.
        verify_key: the file of the public key; once it is named, nothing unsigned is used.

    Raises:
        UserError: it is another package, unsigned, or signed with another key.
    """
    if sha256 and package.sha256 != sha256.strip().lower():
        raise UserError(
            f"{package.directory}: is the package {package.sha256}, not the one that --sha256 pins"
        )
    if verify_key:
        signing().verify(package, Path(verify_key))


def signing() -> ModuleType:
    """The module that signs; UserError where this edition has none."""
    module = optional_module("deployment.signing")
    if module is None:
        raise UserError("this project cannot sign: signatures come with the edition reference")
    return module
