"""Proofs are checked here by the definitions of RFC 6962, written once more and another way."""

from __future__ import annotations

import base64
from hashlib import sha256
from pathlib import Path

import pytest

from risk_model.core.errors import UserError
from risk_model.deployment.audit.checkpoint import Checkpoint
from risk_model.deployment.audit.proofs import Leaves, prove, read_leaves
from risk_model.deployment.audit.segments import close_segment
from risk_model.deployment.audit.tree import Tree, leaf_hash
from risk_model.deployment.audit.verify import verifier_keys

from tests.made_log import write_log

LEAVES = [leaf_hash(b"%d" % number) for number in range(70)]


def node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def root_of(leaves: list[bytes]) -> bytes:
    tree = Tree()
    for leaf in leaves:
        tree.push(leaf)
    return tree.root


def included(leaf: bytes, index: int, size: int, proof: list[bytes]) -> bytes:
    """The root that an inclusion proof leads to (RFC 9162, 2.1.3.2); AssertionError if too long."""
    last, rest = size - 1, list(proof)
    while rest:
        assert last
        if index % 2 or index == last:
            leaf = node(rest.pop(0), leaf)
            while index % 2 == 0 and index:
                index, last = index >> 1, last >> 1
        else:
            leaf = node(leaf, rest.pop(0))
        index, last = index >> 1, last >> 1
    assert last == 0
    return leaf


def grown(old: int, size: int, old_root: bytes, proof: list[bytes]) -> tuple[bytes, bytes]:
    """The two roots that a consistency proof leads to (RFC 9162, 2.1.4.2)."""
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    first, last = old - 1, size - 1
    while first % 2:
        first, last = first >> 1, last >> 1
    one = two = path[0]
    for each in path[1:]:
        assert last
        if first % 2 or first == last:
            one, two = node(each, one), node(each, two)
            while first % 2 == 0 and first:
                first, last = first >> 1, last >> 1
        else:
            two = node(two, each)
        first, last = first >> 1, last >> 1
    assert last == 0
    return one, two


@pytest.mark.parametrize("before", [0, 1, 6, 32, 37])
def test_every_record_is_proven_to_be_in_every_tree_that_holds_it(before: int) -> None:
    leaves = _leaves(before)
    for size in range(before + 1, 71):
        for index in range(before, size):
            proof = leaves.inclusion(index, size)
            assert included(LEAVES[index], index, size, proof) == root_of(LEAVES[:size])
            wrong = LEAVES[(index + 1) % 70]
            assert included(wrong, index, size, proof) != root_of(LEAVES[:size])


@pytest.mark.parametrize("before", [0, 1, 6, 32, 37])
def test_every_tree_is_proven_to_go_on_from_every_earlier_one(before: int) -> None:
    leaves = _leaves(before)
    for size in range(max(2, before + 1), 71):
        for old in range(max(1, before), size):
            roots = root_of(LEAVES[:old]), root_of(LEAVES[:size])
            assert grown(old, size, roots[0], leaves.consistency(old, size)) == roots
    assert leaves.consistency(70, 70) == []


def _leaves(before: int) -> Leaves:
    tree = Tree()
    for leaf in LEAVES[:before]:
        tree.push(leaf)
    return Leaves(tree, LEAVES[before:])


@pytest.mark.parametrize("segments", [0, 1, 2])
def test_a_proof_names_one_record_and_the_last_checkpoint(tmp_path: Path, segments: int) -> None:
    log = tmp_path / "a.db"
    for _ in range(segments):
        write_log(log, 5)
        close_segment(log)
    write_log(log, 3)
    keys = verifier_keys(log)
    leaves, note = read_leaves(log, keys)
    stated = Checkpoint.read(note, keys[-1])
    for number, leaf in enumerate(leaves.leaves, start=leaves.before.size):
        text, checkpoint = prove(log, number + 1, keys).split("\n\n", 1)
        head, index, *proof = text.split("\n")
        assert (head, index) == ("c2sp.org/tlog-proof@v1", f"index {number}")
        assert checkpoint.encode() == note
        path = [base64.b64decode(line) for line in proof]
        assert included(leaf, number, stated.size, path) == stated.root
    for absent in (leaves.before.size, leaves.size + 1):
        with pytest.raises(UserError, match="name one of them"):
            prove(log, absent, keys)
