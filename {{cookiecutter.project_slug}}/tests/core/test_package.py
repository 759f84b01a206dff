"""A package is whole, unchanged and free of pickles, or it is not opened."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from risk_model.core.errors import UserError
from risk_model.core.files import write_atomically
from risk_model.core.input_policy import InputPolicy
from risk_model.core.package import FILES, MANIFEST, Manifest, ModelPackage, seal

CONTENT = Manifest(
    model="xgboost",
    cohort="ward",
    outcome="death",
    fingerprint="f" * 64,
    git="",
    versions={},
    operating_threshold=0.2,
    threshold_reason="stated",
    gates={"test": "pass"},
    golden_risk=0.1,
    risk_step=0.01,
    input_policy=InputPolicy(1000, 3, {}, {}),
    calibration=None,
)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    for name in FILES:
        write_atomically(tmp_path / name, f"content of {name}".encode())
    seal(tmp_path, CONTENT)
    return tmp_path


def test_a_sealed_package_opens_with_its_facts(package: Path) -> None:
    opened = ModelPackage.open(package)
    assert opened.threshold == 0.2
    assert len(opened.sha256) == 64
    assert replace(opened.manifest, files={}) == CONTENT
    assert set(opened.manifest.files) == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_one_changed_byte_is_refused_and_named(package: Path, name: str) -> None:
    content = bytearray((package / name).read_bytes())
    content[-1] ^= 1
    (package / name).write_bytes(bytes(content))
    with pytest.raises(UserError, match=name.split("/")[-1]):
        ModelPackage.open(package)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_refused_and_named(package: Path, name: str) -> None:
    (package / name).unlink()
    with pytest.raises(UserError, match="is missing"):
        ModelPackage.open(package)


def test_a_directory_without_manifest_is_not_a_package(package: Path) -> None:
    (package / MANIFEST).unlink()
    with pytest.raises(UserError, match="not a finished model package"):
        ModelPackage.open(package)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"files": 3}', "\x00"])
def test_a_manifest_that_is_something_else_is_refused(package: Path, text: str) -> None:
    (package / MANIFEST).write_text(text)
    with pytest.raises(UserError, match="manifest"):
        ModelPackage.open(package)


@pytest.mark.parametrize(
    "change",
    [
        {"model": None},
        {"gates": {"test": "passed"}},
        {"operating_treshold": 0.5},
        {"calibration": {"slope": 1}},
    ],
)
def test_a_manifest_that_lacks_or_misspells_something_is_one_clear_line(
    package: Path, change: dict[str, object]
) -> None:
    content = {**json.loads((package / MANIFEST).read_text()), **change}
    kept = {key: value for key, value in content.items() if value is not None}
    (package / MANIFEST).write_text(json.dumps(kept))
    with pytest.raises(UserError, match="not a manifest") as refused:
        ModelPackage.open(package)
    assert "\n" not in str(refused.value)


def test_a_manifest_that_lists_nothing_vouches_for_nothing(package: Path) -> None:
    manifest = json.loads((package / MANIFEST).read_text())
    (package / MANIFEST).write_text(json.dumps({**manifest, "files": {}}))
    with pytest.raises(UserError, match="differs from its manifest"):
        ModelPackage.open(package)


def test_an_interrupted_write_leaves_the_old_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def power_cut(self: Path, target: Path) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", power_cut)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
