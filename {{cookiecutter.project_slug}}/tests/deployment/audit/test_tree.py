"""The hash tree is the one of RFC 6962, and so are its roots."""

from __future__ import annotations

from hashlib import sha256

import pytest

from risk_model.deployment.audit.tree import EMPTY, Tree, leaf_hash

# Leaves and roots of the tests of Certificate Transparency's own log (its merkle tree test data)
INPUTS = [
    bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")
] + [bytes.fromhex("606162636465666768696a6b6c6d6e6f")]
ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


def recursive_root(leaves: list[bytes]) -> bytes:
    """The definition in RFC 6962, 2.1."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"").digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    left, right = recursive_root(leaves[:split]), recursive_root(leaves[split:])
    return sha256(b"\x01" + left + right).digest()


def test_roots_are_the_published_ones() -> None:
    tree, roots = Tree(), {}
    for body in INPUTS:
        tree.push(leaf_hash(body))
        roots[tree.size] = tree.root.hex()
    assert {size: roots[size] for size in ROOTS} == ROOTS
    assert Tree().root == EMPTY == recursive_root([])


def test_roots_are_those_of_the_definition_at_every_size() -> None:
    tree, leaves = Tree(), []
    for size in range(1, 300):
        leaves.append(leaf_hash(b"%d" % size))
        tree.push(leaves[-1])
        assert tree.root == recursive_root(leaves)
        assert Tree.of(size, tree.frontier) == tree


def test_a_copy_can_grow_while_the_tree_stays() -> None:
    tree = Tree()
    for size in range(5):
        tree.push(leaf_hash(b"%d" % size))
    before, copy = tree.root, tree.copy()
    copy.push(leaf_hash(b"more"))
    assert (tree.size, tree.root) == (5, before)
    assert copy.root != before


@pytest.mark.parametrize(("size", "hashes"), [(-1, 0), (0, 1), (3, 1), (4, 2)])
def test_a_frontier_of_another_size_is_refused(size: int, hashes: int) -> None:
    with pytest.raises(ValueError, match="frontier"):
        Tree.of(size, b"\0" * 32 * hashes)
    with pytest.raises(ValueError, match="frontier"):
        Tree.of(1, b"\0" * 31)
