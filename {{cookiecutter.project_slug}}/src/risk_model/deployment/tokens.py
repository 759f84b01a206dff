"""Signed tokens (JWT, RFC 7519) of issuers that this server was told to trust.

An issuer signs with a private key that this server never sees; its public keys stand in a file, and
nothing is fetched. A token is good for one request, for minutes, for this service: what was seen is
refused until it has expired, so somebody who reads one on the way gains nothing.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt

from risk_model.core.errors import UserError
from risk_model.core.files import refuse_writable_by_others
from risk_model.deployment.access import SCOPES, Caller, UnknownCallerError

ALGORITHMS = ("ES384", "RS384")  # signatures by a private key alone
LONGEST = 300  # seconds from a token's issue to its end
SKEW = 60  # seconds that clocks may differ
TOKEN_BYTES = 8_192
SEEN = 100_000  # tokens that can be remembered; beyond, none is accepted until some have expired
REQUIRED = ("iss", "aud", "exp", "iat", "jti")
FAULTS = {
    jwt.ExpiredSignatureError: "expired token",
    jwt.InvalidAudienceError: "token for another audience",
    jwt.InvalidSignatureError: "wrong signature",
    jwt.ImmatureSignatureError: "token from the future",
    jwt.MissingRequiredClaimError: "claim missing",
}


@dataclass(frozen=True)
class Issuer:
    """Whom this server trusts to say who a client is.

    name: the claim `iss`, exactly.
    client: the name under which records tell of it.
    scopes: what its clients may do, at most.
    keys: its public keys by `kid`.
    """

    name: str
    client: str
    scopes: tuple[str, ...]
    keys: Mapping[str, jwt.PyJWK]


class IssuedTokens:
    """Knows callers by the tokens of issuers.

    Args:
        audience: what a token's `aud` must be: the address under which clients call this service.
        issuers: by their names.
    """

    def __init__(self, audience: str, issuers: Mapping[str, Issuer]) -> None:
        self.audience, self.issuers = audience, issuers
        self._seen: dict[tuple[str, str], float] = {}  # issuer and jti, until when

    def caller(self, token: str) -> Caller:
        """Who sent a token, which is spent by that; UnknownCallerError when it is not valid."""
        if len(token) > TOKEN_BYTES:
            raise UnknownCallerError("token too large")
        try:
            issuer, key = self._signer(token)
            claims = jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                audience=self.audience,
                issuer=issuer.name,
                leeway=SKEW,
                options={"require": list(REQUIRED)},
            )
        except jwt.PyJWTError as error:
            raise UnknownCallerError(FAULTS.get(type(error), "invalid token")) from None
        self._spend(issuer, claims)
        asked = str(claims.get("scope", " ".join(SCOPES))).split()
        return Caller(issuer.client, tuple(scope for scope in issuer.scopes if scope in asked))

    def _signer(self, token: str) -> tuple[Issuer, jwt.PyJWK]:
        """The issuer that an unverified token names, and the one of its keys that must verify it.

        The key decides on the algorithm, not the token.
        """
        unverified = jwt.decode(token, options={"verify_signature": False})
        issuer = self.issuers.get(str(unverified.get("iss", "")))
        if issuer is None:
            raise UnknownCallerError("unknown issuer")
        header = jwt.get_unverified_header(token)
        key = issuer.keys.get(str(header.get("kid", "")))
        if key is None or header.get("alg") != key.algorithm_name:
            raise UnknownCallerError("unknown key of an issuer")
        return issuer, key

    def _spend(self, issuer: Issuer, claims: Mapping[str, Any]) -> None:
        now, token_id = time.time(), (issuer.name, str(claims["jti"]))
        if claims["exp"] - claims["iat"] > LONGEST:
            raise UnknownCallerError("token too long valid")
        if len(self._seen) >= SEEN:
            self._seen = {name: until for name, until in self._seen.items() if until > now}
        if self._seen.get(token_id, 0.0) > now or len(self._seen) >= SEEN:
            raise UnknownCallerError("token seen before")
        self._seen[token_id] = claims["exp"] + SKEW


def read_issuers(path: Path) -> IssuedTokens:
    """The issuers of a file: `{"audience": URL, "issuers": [{"iss", "client", "scopes", "jwks"}]}`.

    `jwks` names a file of public keys (RFC 7517) beside it.

    Raises:
        UserError: says what is wrong with it; also when others may write to it or to the keys.
    """
    try:
        refuse_writable_by_others(path)
        content = json.loads(path.read_text(encoding="utf-8"))
        issuers = [_issuer(entry, path.parent) for entry in content["issuers"]]
        return IssuedTokens(str(content["audience"]), {issuer.name: issuer for issuer in issuers})
    except OSError as error:
        raise UserError(f"{error.filename}: cannot be read ({error.strerror})") from None
    except (ValueError, TypeError, KeyError, AttributeError, jwt.PyJWTError) as error:
        raise UserError(
            f"{path}: not a file of issuers ({type(error).__name__}: {error}); it holds audience, "
            "and issuers with iss, client, scopes and jwks"
        ) from None


def _issuer(entry: Mapping[str, Any], folder: Path) -> Issuer:
    scopes = tuple(entry["scopes"])
    if not set(scopes) <= set(SCOPES):
        raise ValueError(f"scopes are {', '.join(SCOPES)}")
    refuse_writable_by_others(folder / entry["jwks"])
    found = json.loads((folder / entry["jwks"]).read_text(encoding="utf-8"))["keys"]
    if wrong := sorted({key["alg"] for key in found} - set(ALGORITHMS)):
        raise ValueError(f"{', '.join(wrong)}: keys are for {' or '.join(ALGORITHMS)}")
    if any("d" in key for key in found):
        raise ValueError("a private key stands among the public ones")
    keys = {key["kid"]: jwt.PyJWK(key, algorithm=key["alg"]) for key in found}
    return Issuer(str(entry["iss"]), str(entry["client"]), scopes, keys)
