"""Is a package that must not be served refused at the start, in one line, before a log is made?"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import uvicorn

from risk_model.core.errors import UserError
from risk_model.core.graph_numbers import all_finite
from risk_model.core.package import MANIFEST, Manifest, ModelPackage, seal
from risk_model.deployment.origin import check_origin
from risk_model.deployment.serve import serve

from tests.made_log import NEVER_CACHED
from tests.made_service import GUARD, SCHEMA, logistic_graph, make_package, running

BACKGROUND = "explain/background.npy"
WEIGHTS = np.full(SCHEMA.width, 0.01)


def manifest_of(directory: Path) -> Manifest:
    return Manifest.from_json(json.loads((directory / MANIFEST).read_text()))


def sealed_again(directory: Path, **changes: Any) -> None:
    """Makes the manifest fit the files as they are now, as somebody who can write would."""
    seal(directory, replace(manifest_of(directory), **changes))


def stated(name: str, text: str | None) -> Callable[[Path], None]:
    """A manifest that states this JSON for a name, or lacks it."""

    def change(directory: Path) -> None:
        content = json.loads((directory / MANIFEST).read_text())
        content[name] = "HERE"
        written = json.dumps(content)
        if text is None:
            del content[name]
            written = json.dumps(content)
        (directory / MANIFEST).write_text(written.replace('"HERE"', text or ""))

    return change


def weights(value: float, of: str) -> Callable[[Path], None]:
    """A weight, or what stands in for a missing value, that only few patients meet."""

    def change(directory: Path) -> None:
        numbers = {"w": WEIGHTS.copy(), "fill": np.ones(SCHEMA.width)}
        numbers[of][2] = value  # of lactate, which the golden case has
        graph = logistic_graph(numbers["w"], -2.0, numbers["fill"])
        (directory / "risk.onnx").write_bytes(graph.SerializeToString())
        sealed_again(directory)

    return change


def rows(content: np.ndarray) -> Callable[[Path], None]:
    def change(directory: Path) -> None:
        np.save(directory / BACKGROUND, content, allow_pickle=True)
        sealed_again(directory)

    return change


def file(name: str, content: bytes) -> Callable[[Path], None]:
    def change(directory: Path) -> None:
        (directory / name).write_bytes(content)
        sealed_again(directory)

    return change


def card(directory: Path) -> None:
    (directory / "model_card.md").write_text("# It is perfect\n")


def unlisted_card(directory: Path) -> None:
    card(directory)
    content = json.loads((directory / MANIFEST).read_text())
    del content["files"]["model_card.md"]
    (directory / MANIFEST).write_text(json.dumps(content))


def policy(**changes: Any) -> Callable[[Path], None]:
    def change(directory: Path) -> None:
        old = manifest_of(directory).input_policy
        sealed_again(directory, input_policy=replace(old, **changes))

    return change


FAULTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "a weight is NaN": (weights(np.nan, "w"), "risk.onnx: holds a weight that is not a finite"),
    "a weight is infinite": (weights(np.inf, "w"), "risk.onnx: holds a weight that is not a"),
    "what stands for a missing value is NaN": (weights(np.nan, "fill"), "not a finite number"),
    "no graph": (file("risk.onnx", b"no graph"), "risk.onnx: cannot be used"),
    "another schema": (file("schema.json", b"{}"), "schema.json: cannot be used"),
    "no schema": (file("schema.json", b"\xff"), "schema.json: cannot be used"),
    "no evaluation": (file("evaluation.json", b"["), "evaluation.json: cannot be used"),
    "no card": (file("model_card.md", b"\xff"), "model_card.md: cannot be used"),
    "an empty file of rows": (file(BACKGROUND, b""), "background.npy: cannot be used"),
    "threshold NaN": (stated("operating_threshold", "NaN"), "not a manifest"),
    "threshold infinite": (stated("operating_threshold", "1e999"), "operating_threshold is not"),
    "threshold negative": (stated("operating_threshold", "-0.1"), "operating_threshold is not"),
    "threshold above 1": (stated("operating_threshold", "1.5"), "operating_threshold is not"),
    "no threshold": (stated("operating_threshold", None), "not a manifest"),
    "no golden risk": (stated("golden_risk", None), "not a manifest"),
    "golden risk null": (stated("golden_risk", "null"), "not a manifest"),
    "golden risk NaN": (stated("golden_risk", "NaN"), "not a manifest"),
    "another golden risk": (stated("golden_risk", "0.9"), "scores its golden case differently"),
    "step of 0": (stated("risk_step", "0"), "risk_step is not"),
    "no policy": (stated("input_policy", None), "not a manifest"),
    "a calibration that is no line": (
        stated("calibration", '{"slope": 1e999, "intercept": 0}'),
        "calibration is not",
    ),
    "another card": (card, "model_card.md: differs from its manifest"),
    "a card that is not listed": (unlisted_card, "model_card.md: differs from its manifest"),
    "rows of another width": (rows(np.zeros((5, 3), np.float32)), "holds no rows of this schema"),
    "infinite rows": (rows(np.full((5, SCHEMA.width), np.inf, np.float32)), "holds no rows"),
    "no rows": (rows(np.zeros((0, SCHEMA.width), np.float32)), "holds no rows"),
    "rows that are objects": (rows(np.array([{"a": 1}], dtype=object)), "cannot be used"),
    "rows of 64 bits": (rows(np.zeros((5, SCHEMA.width))), "holds no rows"),
    "a policy of other fields": (policy(bounds={}), "manifest.json: cannot be used (KeyError)"),
    "a policy that refuses everybody": (policy(least_recorded=7), "golden case is refused"),
}


@pytest.fixture
def faulty(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, str]:
    """A package with one fault, and what is said of it."""
    change, words = FAULTS[request.param]
    directory = make_package(tmp_path / "package").directory
    change(directory)
    return directory, words


@pytest.mark.parametrize("faulty", FAULTS, indirect=True)
def test_a_faulty_package_is_refused_before_anything_is_written(
    faulty: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uvicorn.Server, "run", lambda *_, **__: pytest.fail("it started"))
    directory, words = faulty
    with pytest.raises(UserError, match=re.escape(words)) as refused:
        serve(directory, "127.0.0.1", 0, tmp_path / "audit.db")
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "audit.db").exists()


@pytest.mark.slow
@pytest.mark.parametrize("faulty", FAULTS, indirect=True)
def test_a_server_ends_with_one_line_on_a_faulty_package(
    faulty: tuple[Path, str], start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    directory, words = faulty
    process = start(directory, 0, tmp_path / "audit.db")
    told, line = process.communicate(timeout=GUARD)
    assert (process.returncode, told) == (2, "")
    assert words in line
    assert line.count("\n") == 1
    assert not (tmp_path / "audit.db").exists()


def test_a_package_that_is_not_the_pinned_one_is_refused(package: ModelPackage) -> None:
    check_origin(package, package.sha256, "")
    for other in ("0" * 64, package.sha256[:12]):
        with pytest.raises(UserError, match="not the one that --sha256 pins"):
            check_origin(package, other, "")


def test_a_file_that_is_swapped_after_the_package_was_opened_is_not_read(
    package: ModelPackage,
) -> None:
    card(package.directory)
    with pytest.raises(UserError, match=r"model_card\.md: differs"):
        package.read("model_card.md")


def test_a_card_that_is_swapped_while_the_server_runs_is_not_served(
    package: ModelPackage, tmp_path: Path
) -> None:
    with running(package.directory, tmp_path / "audit.db", before=NEVER_CACHED) as server:
        card(package.directory)
        assert server.client.get("/v1/model").json()["card"] == "# Model card\n"
        assert server.client.get("/readyz").json()["checks"]["model_digest"] is False
        assert server.health.get("/readyz").status_code == 503


@pytest.mark.parametrize("place", ["raw", "float_data", "double", "half", "tree", "subgraph"])
@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_a_number_that_is_not_finite_is_found_wherever_a_graph_may_hold_it(
    place: str, value: float
) -> None:
    def made(number: float) -> bytes:
        numbers = np.array([1.0, 2.0, number])
        types = {"double": np.float64, "half": np.float16}
        tensor = onnx.numpy_helper.from_array(numbers.astype(types.get(place, np.float32)), "x")
        if place == "float_data":
            tensor = onnx.helper.make_tensor("x", onnx.TensorProto.FLOAT, [3], numbers)
        tree: dict[str, Any] = {"nodes_values": [1.0, number, 2.0], "nodes_nodeids": [0, 1, 2]}
        node = onnx.helper.make_node("TreeEnsembleRegressor", ["x"], ["y"], **tree)
        graph = onnx.helper.make_graph(
            [node] if place == "tree" else [], "g", [], [], [] if place == "tree" else [tensor]
        )
        if place == "subgraph":
            branches: dict[str, Any] = {"then_branch": graph, "else_branch": graph}
            node = onnx.helper.make_node("If", ["c"], ["y"], **branches)
            graph = onnx.helper.make_graph([node], "outer", [], [])
        return bytes(onnx.helper.make_model(graph).SerializeToString())

    assert all_finite(made(3.0))
    assert not all_finite(made(value))
