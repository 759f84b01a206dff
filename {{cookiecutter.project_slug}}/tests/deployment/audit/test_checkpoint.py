"""Checkpoints are signed notes in one spelling only, and keys that others may read are refused."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from risk_model.core.errors import UserError
from risk_model.deployment.audit.checkpoint import (
    COMMITMENT,
    SIGNING,
    VERIFYING,
    Checkpoint,
    Keys,
    Signer,
    Verifier,
    make_keys,
    read_verifiers,
)

SIGNER = Signer("ward.example.org/risk", b"\x01" * 32)
CHECKPOINT = Checkpoint(SIGNER.verifier.name, 20_852_163, b"\x07" * 32)


def test_a_checkpoint_is_read_by_the_key_that_signed_it() -> None:
    note = SIGNER.sign(CHECKPOINT.text)
    assert Checkpoint.read(note, SIGNER.verifier) == CHECKPOINT
    assert note.decode().split("\n")[:2] == ["ward.example.org/risk", "20852163"]
    for other in (Signer("ward.example.org/risk", b"\x02" * 32), Signer("other", b"\x01" * 32)):
        with pytest.raises(ValueError):
            Checkpoint.read(note, other.verifier)


def test_no_bit_of_a_checkpoint_can_change() -> None:
    note = SIGNER.sign(CHECKPOINT.text)
    for bit in range(8 * len(note)):
        changed = bytearray(note)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ValueError):
            Checkpoint.read(bytes(changed), SIGNER.verifier)
    for other in (note + b"\n", b"\n" + note, note[:-1], note + note, b""):
        with pytest.raises(ValueError):
            Checkpoint.read(other, SIGNER.verifier)


@pytest.mark.parametrize(
    "text",
    [
        b"other\n3\n" + b"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n",
        b"ward.example.org/risk\n03\n" + b"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n",
        b"ward.example.org/risk\n3\n" + b"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwd=\n",
        b"ward.example.org/risk\n3\n",
        b"nothing\n",
    ],
)
def test_a_signed_text_that_is_no_checkpoint_of_this_log_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError):
        Checkpoint.read(SIGNER.sign(text), SIGNER.verifier)


def test_a_verifier_key_is_read_in_one_spelling_only() -> None:
    vkey = SIGNER.verifier.vkey
    assert Verifier.parse(vkey) == SIGNER.verifier
    for wrong in (vkey[:-4], vkey.replace("ward", "Ward"), vkey + "=", "", "a+b"):
        with pytest.raises(ValueError):
            Verifier.parse(wrong)


def test_keys_are_made_for_their_owner_alone_and_never_over_others(tmp_path: Path) -> None:
    verifier = make_keys(tmp_path / "keys", "ward.example.org/risk")
    for name in (SIGNING, COMMITMENT, VERIFYING):
        assert stat.S_IMODE((tmp_path / "keys" / name).stat().st_mode) == 0o600
    keys = Keys.load(tmp_path / "keys")
    assert keys.signer.verifier == verifier
    assert read_verifiers(tmp_path / "keys" / VERIFYING) == (verifier,)
    with pytest.raises(UserError, match="another folder"):
        make_keys(tmp_path / "keys")
    assert Keys.load(tmp_path / "keys").secret == keys.secret
    with pytest.raises(UserError, match="spaces"):
        make_keys(tmp_path / "other", "a b")


DAMAGE: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-9]),
    "of another log": lambda path: path.write_bytes(
        path.read_bytes().replace(b"+1", b"+2").replace(b"risk", b"else") + b"0"
    ),
    "no text": lambda path: path.write_bytes(b"\xff" * 40),
}


@pytest.mark.parametrize("name", [SIGNING, COMMITMENT, VERIFYING])
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_key_that_is_missing_or_damaged_is_one_line_with_the_remedy(
    tmp_path: Path, name: str, damage: str
) -> None:
    make_keys(tmp_path)
    DAMAGE[damage](tmp_path / name)
    with pytest.raises(UserError, match=r"put back the copy.*audit keys") as refused:
        Keys.load(tmp_path)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    make_keys(tmp_path)
    (tmp_path / SIGNING).chmod(mode)
    with pytest.raises(UserError, match=r"others may read audit\.key: chmod 600"):
        Keys.load(tmp_path)
