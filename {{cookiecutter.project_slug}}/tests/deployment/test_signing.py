"""Is a package that somebody else made, or changed and sealed again, told by its signature?"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from risk_model.app.commands.score import score as score_command
from risk_model.config import Config, Deployment
from risk_model.core.errors import UserError
from risk_model.core.package import MANIFEST, ModelPackage, seal
from risk_model.deployment import origin, registry, signing

from tests.made_service import GUARD

Make = Callable[..., ModelPackage]


def openssl(*words: str) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True)


def made_keys(folder: Path, name: str = "") -> tuple[Path, Path]:
    """A private key and its public half, as the documentation makes them."""
    private, public = folder / f"{name}sign.pem", folder / f"{name}verify.pem"
    openssl("genpkey", "-algorithm", "ed25519", "-out", str(private))
    openssl("pkey", "-in", str(private), "-pubout", "-out", str(public))
    private.chmod(0o600)
    return private, public


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, Path]:
    return made_keys(tmp_path)


@pytest.fixture
def signed(package: ModelPackage, keys: tuple[Path, Path]) -> ModelPackage:
    signing.sign(package, keys[0])
    return package


def serve(package: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A start that must fail: the registry's audit folder is a file."""
    source = str(Path(__file__).parents[2] / "src")
    module = [sys.executable, "-m", "risk_model"]
    command = [*module, "serve", "--package", str(package), *words]
    blocked = package.parent / "file"
    blocked.touch()
    return subprocess.run(
        [*command, "--port", "0", "--audit", str(blocked / "audit.db")],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": source},
        timeout=GUARD,
        check=False,
    )


def test_a_signed_package_verifies_and_openssl_says_so_too(
    signed: ModelPackage, keys: tuple[Path, Path]
) -> None:
    signing.verify(signed, keys[1])
    manifest, signature = signed.directory / MANIFEST, signed.directory / signing.SIGNATURE
    words = "pkeyutl -verify -pubin -rawin -inkey".split()
    openssl(*words, str(keys[1]), "-in", str(manifest), "-sigfile", str(signature))


def test_a_package_that_was_changed_and_sealed_again_is_refused(
    signed: ModelPackage, keys: tuple[Path, Path]
) -> None:
    (signed.directory / "model_card.md").write_text("# It is perfect\n")
    seal(signed.directory, replace(signed.manifest, operating_threshold=0.9))
    with pytest.raises(UserError, match="was not made with the key"):
        signing.verify(ModelPackage.open(signed.directory), keys[1])


@pytest.mark.parametrize("bit", range(0, 512, 37))
def test_every_bit_of_a_signature_counts(
    signed: ModelPackage, keys: tuple[Path, Path], bit: int
) -> None:
    path = signed.directory / signing.SIGNATURE
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)
    with pytest.raises(UserError, match="was not made with the key"):
        signing.verify(signed, keys[1])


def test_another_key_and_no_signature_are_refused(
    package: ModelPackage, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="is missing; register the run again"):
        signing.verify(package, keys[1])
    signing.sign(package, made_keys(tmp_path, "other-")[0])
    with pytest.raises(UserError, match="was not made with the key"):
        signing.verify(package, keys[1])


def test_a_package_that_changed_since_it_was_opened_is_neither_signed_nor_verified(
    signed: ModelPackage, keys: tuple[Path, Path]
) -> None:
    seal(signed.directory, replace(signed.manifest, model="another"))
    for use, key in ((signing.sign, keys[0]), (signing.verify, keys[1])):
        with pytest.raises(UserError, match="changed while it was read"):
            use(signed, key)


@pytest.mark.parametrize("content", [None, b"", b"no key", "rsa", "password", "public"])
def test_a_file_that_holds_no_such_key_is_refused_in_one_line(
    package: ModelPackage, keys: tuple[Path, Path], tmp_path: Path, content: bytes | str | None
) -> None:
    path = tmp_path / "key.pem"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content == "rsa":
        openssl("genpkey", "-algorithm", "rsa", "-out", str(path))
    elif content == "password":
        kept = ["-aes256", "-pass", "pass:secret"]
        openssl("genpkey", "-algorithm", "ed25519", *kept, "-out", str(path))
    elif content == "public":
        shutil.copy(keys[1], path)
    with pytest.raises(UserError, match=r"key\.pem: (holds no private key|is no Ed25519)") as told:
        signing.sign(package, path)
    assert "\n" not in str(told.value)
    if content != "public":
        with pytest.raises(UserError, match=r"key\.pem: (holds no public key|is no Ed25519)"):
            signing.verify(package, path)


def test_a_key_that_others_may_use_is_refused(
    package: ModelPackage, keys: tuple[Path, Path]
) -> None:
    keys[0].chmod(0o640)
    with pytest.raises(UserError, match="chmod 600"):
        signing.sign(package, keys[0])
    assert not (package.directory / signing.SIGNATURE).exists()


def test_register_signs_what_the_registry_and_mlflow_keep(
    package: ModelPackage, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    settings = Deployment(
        tracking_uri=f"sqlite:///{tmp_path / 'mlflow.db'}",
        registry=str(tmp_path / "models"),
        sign_key=str(keys[0]),
    )
    registry.register({"m": package.directory}, "m", None, "ward", settings, None)
    served = ModelPackage.open(registry.champion(tmp_path / "models", "ward"))
    signing.verify(served, keys[1])
    kept = list((tmp_path / "mlartifacts").rglob(signing.SIGNATURE))
    assert [path.read_bytes() for path in kept] == [
        (served.directory / signing.SIGNATURE).read_bytes()
    ]


@pytest.mark.parametrize("key", [False, True])
def test_a_server_refuses_what_is_not_signed_or_not_pinned_in_one_line(
    package: ModelPackage, keys: tuple[Path, Path], key: bool
) -> None:
    words = ["--verify-key", str(keys[1])] if key else ["--sha256", "0" * 64]
    refused = serve(package.directory, *words)
    assert refused.returncode == 2
    assert ("manifest.sig: is missing" if key else "--sha256 pins") in refused.stderr
    assert refused.stderr.count("\n") == 1


@pytest.mark.parametrize("pinned", [True, False])
def test_a_server_takes_what_is_signed_and_pinned_or_what_nobody_asked_about(
    signed: ModelPackage, keys: tuple[Path, Path], pinned: bool
) -> None:
    words = ["--verify-key", str(keys[1]), "--sha256", signed.sha256]
    refused = serve(signed.directory, *(words if pinned else []))
    assert "audit.db: not a usable audit log" in refused.stderr


def test_score_asks_for_the_signature_once_a_key_is_set(
    package: ModelPackage, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    (tmp_path / "in.csv").write_text(
        "age,heart_rate,lactate,sex,ward/unit,diabetes\n71,96,2,male,ICU,1\n"
    )
    output = tmp_path / "out.csv"
    settings = Config(package=str(package.directory), input=str(tmp_path / "in.csv"))
    settings.output, settings.deployment.verify_key = str(output), str(keys[1])
    with pytest.raises(UserError, match="is missing; register"):
        score_command(settings)
    assert not output.exists()
    signing.sign(package, keys[0])
    score_command(settings)
    assert output.is_file()


def test_a_project_without_the_module_says_that_it_cannot_sign(
    package: ModelPackage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(origin, "optional_module", lambda name: None)
    with pytest.raises(UserError, match="edition reference"):
        origin.check_origin(package, "", "key.pem")
    origin.check_origin(package, package.sha256.upper(), "")


def test_a_public_key_that_others_may_write_vouches_for_nothing(
    signed: ModelPackage, keys: tuple[Path, Path]
) -> None:
    signing.verify(signed, keys[1])
    keys[1].chmod(0o664)
    with pytest.raises(UserError, match=r"verify\.pem: others may write to it"):
        signing.verify(signed, keys[1])
