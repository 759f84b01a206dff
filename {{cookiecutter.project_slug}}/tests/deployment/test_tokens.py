"""Is a signed token good for one request, from a trusted issuer, for this service, and no other?"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from risk_model.core.errors import UserError
from risk_model.core.package import ModelPackage
from risk_model.deployment.access import UNKNOWN
from risk_model.deployment.tokens import SEEN, IssuedTokens, read_issuers

from tests.deployment.test_model_faults import CLOCK
from tests.made_service import PATIENT, Server, request_body

Running = Callable[..., AbstractContextManager[Server]]
URL, ISSUER = "https://risk.example/v1/predict", "https://ehr.example"
EC, OTHER = ec.generate_private_key(ec.SECP384R1()), ec.generate_private_key(ec.SECP384R1())
RSA = rsa.generate_private_key(65_537, 2_048)
PUBLIC = RSA.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)


@pytest.fixture
def issuers(tmp_path: Path) -> Path:
    ec_key = json.loads(ECAlgorithm.to_jwk(EC.public_key()))
    rsa_key = json.loads(RSAAlgorithm.to_jwk(RSA.public_key()))
    keys = [
        {**ec_key, "kid": "ec", "alg": "ES384"},
        {**rsa_key, "kid": "rsa", "alg": "RS384"},
    ]
    (tmp_path / "ehr.json").write_text(json.dumps({"keys": keys}))
    issuer = {"iss": ISSUER, "client": "ehr", "scopes": ["predict"], "jwks": "ehr.json"}
    path = tmp_path / "issuers.json"
    path.write_text(json.dumps({"audience": URL, "issuers": [issuer]}))
    return path


def token(
    key: Any = EC,
    algorithm: str = "ES384",
    kid: Any = "ec",
    head: dict[str, Any] | None = None,
    **changes: Any,
) -> str:
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": URL, "iat": now, "exp": now + 200, "jti": str(uuid.uuid4())}
    claims |= changes
    present = {name: value for name, value in claims.items() if value is not None}
    content = {"typ": "JWT", "alg": algorithm, "kid": kid, **(head or {})}
    signed = f"{part(json.dumps(content).encode())}.{part(json.dumps(present).encode())}"
    signature = jwt.get_algorithm_by_name(algorithm).sign(signed.encode(), key)
    return f"{signed}.{part(signature)}"


def part(content: bytes) -> str:
    """A part of a token."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def unsigned(algorithm: str) -> str:
    header = part(json.dumps({"alg": algorithm, "kid": "ec", "typ": "JWT"}).encode())
    return f"{header}.{token().split('.')[1]}."


def hs256_with_the_public_key() -> str:
    header = part(json.dumps({"alg": "HS256", "kid": "rsa", "typ": "JWT"}).encode())
    signed = f"{header}.{token().split('.')[1]}"
    return f"{signed}.{part(hmac.digest(PUBLIC, signed.encode(), hashlib.sha256))}"


def zeros() -> str:
    """A signature of nothing but zeros, which some libraries took for valid (CVE-2022-21449)."""
    return f"{token().rpartition('.')[0]}.{part(bytes(96))}"


def elsewhere(url: str) -> dict[str, str]:
    """Tokens that bring a key of their own, or say where one is."""
    own = json.loads(ECAlgorithm.to_jwk(OTHER.public_key()))
    heads: dict[str, Any] = {
        "jku": {"jku": url},
        "jku, and a kid of its own": {"jku": url, "kid": "new"},
        "x5u": {"x5u": url},
        "jwk": {"jwk": own},
        "x5c": {"x5c": [part(PUBLIC)]},
        "kid of an address": {"kid": url},
    }
    return {name: token(OTHER, head=head) for name, head in heads.items()}


def refused_tokens(url: str) -> dict[str, str]:
    now, seen = int(time.time()), token()
    return elsewhere(url) | {
        "none": unsigned("none"),
        "nOnE": unsigned("nOnE"),
        "no signature": unsigned("ES384"),
        "HS256 with the public key": hs256_with_the_public_key(),
        "signed by somebody else": token(OTHER),
        "signed by somebody else under another kid": token(OTHER, kid="new"),
        "kid with a path": token(kid="../../../dev/null"),
        "kid with SQL": token(kid="ec' OR '1'='1"),
        "kid that is no text": token(kid=["ec"]),
        "no kid": token(kid=None),
        "an extension that must be known": token(head={"crit": ["exp"], "exp": now}),
        "zeros for a signature": zeros(),
        "HS384 with the public key": token(PUBLIC, "HS384", kid="rsa"),
        "end that is no number": token(exp="never"),
        "audience with more": token(aud=URL + "/"),
        "issuer in a list": token(iss=[ISSUER]),
        "another key's algorithm": token(RSA, "RS384", kid="ec"),
        "an algorithm of RSA that is not listed": token(RSA, "RS256", kid="rsa"),
        "audience": token(aud="https://other.example"),
        "audience missing": token(aud=None),
        "issuer": token(iss="https://evil.example"),
        "issuer missing": token(iss=None),
        "expired": token(iat=now - 1000, exp=now - 800),
        "no end": token(exp=None),
        "valid too long": token(exp=now + 3_000),
        "no id": token(jti=None),
        "from the future": token(iat=now + 500, exp=now + 600),
        "not before": token(nbf=now + 500),
        "seen": seen,
        "huge": token(padding="x" * 7_000),
        "cut": seen[: len(seen) // 2],
        "not JSON": "e30.e30.e30",
    }


def test_a_valid_token_is_answered_once_and_any_other_is_refused_with_one_text(
    running: Running, package: ModelPackage, issuers: Path, tmp_path: Path
) -> None:
    def ask(given: str) -> Any:
        headers = {"authorization": f"Bearer {given}"}
        return server.client.post("/v1/predict", json=request_body(PATIENT), headers=headers)

    attacker = socket.create_server(("127.0.0.1", 0))
    attacker.setblocking(False)
    wrong = refused_tokens(f"http://127.0.0.1:{attacker.getsockname()[1]}/jwks.json")
    with running(package.directory, tmp_path / "audit.db", issuers=issuers) as server:
        assert ask(token(head={"jku": "http://127.0.0.1:1/"})).status_code == 200
        assert ask(token(RSA, "RS384", "rsa")).status_code == 200
        assert ask(token(aud=[URL, "https://other.example"])).status_code == 200
        assert ask(wrong["seen"]).status_code == 200
        assert ask(token(scope="describe")).status_code == 403
        for name, given in wrong.items():
            answer = ask(given)
            assert (answer.status_code, answer.json()["detail"]) == (401, UNKNOWN), name
        with pytest.raises(BlockingIOError):  # nobody came for a key
            attacker.accept()
        once = token()
        with ThreadPoolExecutor(8) as pool:
            statuses = [answer.status_code for answer in pool.map(ask, [once] * 16)]
        assert sorted(statuses) == [200] + [401] * 15
        assert "Traceback" not in server.stop()
    attacker.close()
    kept = (tmp_path / "audit.db").read_bytes()
    assert b'"client":"ehr"' in kept
    assert wrong["seen"].encode() not in kept


def test_when_no_more_tokens_can_be_remembered_none_is_accepted_until_some_expired(
    issuers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("risk_model.deployment.tokens.SEEN", 2)
    known = read_issuers(issuers)
    assert SEEN > 10_000
    for _ in range(2):
        assert known.caller(token()).client == "ehr"
    with pytest.raises(Exception, match="seen before"):
        known.caller(token())
    known._seen = dict.fromkeys(known._seen, 0.0)
    assert known.caller(token()).client == "ehr"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"issuers": None}, "not a file of issuers"),
        ({"audience": None}, "not a file of issuers"),
        ({"jwks": "absent.json"}, "absent.json: cannot be read"),
        ({"scopes": ["delete"]}, "scopes are predict, describe"),
        ({"alg": "HS256"}, "HS256"),
        ({"d": "private"}, "private key"),
    ],
)
def test_a_file_of_issuers_that_cannot_be_trusted_stops_the_start(
    issuers: Path, change: dict[str, Any], message: str
) -> None:
    content = json.loads(issuers.read_text())
    keys = json.loads((issuers.parent / "ehr.json").read_text())
    [(name, value)] = change.items()
    if name in content:
        del content[name]
    elif name in ("jwks", "scopes"):
        content["issuers"][0][name] = value
    else:
        keys["keys"][0][name] = value
    issuers.write_text(json.dumps(content))
    (issuers.parent / "ehr.json").write_text(json.dumps(keys))
    with pytest.raises(UserError, match=message) as refused:
        read_issuers(issuers)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["issuers.json", "ehr.json"])
def test_issuers_and_keys_that_others_may_write_stop_the_start(issuers: Path, name: str) -> None:
    assert issuers.name == "issuers.json"
    (issuers.parent / name).chmod(0o664)
    with pytest.raises(UserError, match=f"{name}: others may write to it; chmod 600"):
        read_issuers(issuers)


def test_the_tokens_of_a_file_are_read(issuers: Path) -> None:
    assert isinstance(read_issuers(issuers), IssuedTokens)


def test_a_clock_that_is_set_back_gives_no_token_a_second_use(
    running: Running, package: ModelPackage, issuers: Path, tmp_path: Path
) -> None:
    back = tmp_path / "back"

    def ask(sent: str) -> int:
        headers = {"authorization": f"Bearer {sent}"}
        body = request_body(PATIENT)
        return server.client.post("/v1/predict", json=body, headers=headers).status_code

    log, before = tmp_path / "audit.db", f"{CLOCK}import jwt.api_jwt as j\nj.datetime = Shifted\n"
    with running(package.directory, log, before=before, issuers=issuers) as server:
        used, other = token(), token()
        assert ask(used) == 200
        back.touch()
        assert (ask(used), ask(other)) == (401, 401), "they come from the future"
        back.unlink()
        assert (ask(used), ask(other)) == (401, 200)
