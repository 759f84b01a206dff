"""The last hook: keeps the files of the choices made, and gives the package its name.

Standard library only; running it twice changes nothing.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

TEMPLATE_PACKAGE = "risk_model"  # the package's real, importable name in the template's own tree
LINE_LENGTH = 100

# For each question, the answers (one or several) that keep these files and folders; any other
# answer drops them. Shared code finds what may be absent by its name (find_spec).
ONLY_FOR: dict[str, dict[str, tuple[str, ...]]] = {
    "modality": {
        "imaging waveform text events": (
            "src/risk_model/signals",
            "src/risk_model/model/feature_subset.py",
            "tests/made_package.py",
        ),
        "imaging waveform text": (
            "src/risk_model/config/recordings.py",
            "src/risk_model/signals/long_bytes.py",
            "src/risk_model/data/recording_checks.py",
            "src/risk_model/data/sources/recording*.py",
            "src/risk_model/model/occlusion.py",
            "src/risk_model/model/cost.py",
            "src/risk_model/training/device.py",
            "src/risk_model/training/recording_passes.py",
            "src/risk_model/training/schedule.py",
            "tests/training/test_schedule.py",
            "src/risk_model/deployment/*recording*.py",
            "src/risk_model/reporting/example*",
            "tests/signals",
            "tests/made_passes.py",
            "tests/made_signal.py",
            "tests/deployment/recordings",
            "tests/**/test_*recording*.py",
            "tests/**/test_*signal*.py",
            "tests/reporting/test_explained.py",
            "tests/model/test_columns.py",
        ),
        # what has a source that is downloaded
        "imaging waveform text reference": (
            "src/risk_model/data/download.py",
            "tests/data/test_download.py",
        ),
        "imaging": (
            "src/risk_model/config/imaging.py",
            "src/risk_model/data/sources/*images.py",
            "src/risk_model/data/sources/medmnist.py",
            "src/risk_model/signals/image*.py",
            "src/risk_model/model/*cnn.py",
            "src/risk_model/training/frozen_blocks.py",
            "src/risk_model/model/image*.py",
            "src/risk_model/reporting/examples/image*.py",
            "tests/imaging",
            "docs/imaging*",
        ),
        "waveform": (
            "src/risk_model/config/waveform.py",
            "src/risk_model/data/sources/*ecgs.py",
            "src/risk_model/data/sources/ptbxl.py",
            "src/risk_model/data/sources/waveforms.py",
            "src/risk_model/signals/waveform*.py",
            "src/risk_model/model/lstm.py",
            "src/risk_model/model/resnet1d.py",
            "src/risk_model/model/waveform*.py",
            "src/risk_model/reporting/examples/waveform*.py",
            "tests/waveform",
            "docs/waveform*",
        ),
        "text": (
            "src/risk_model/config/text.py",
            "src/risk_model/data/sources/*notes.py",
            "src/risk_model/data/sources/mtsdialog.py",
            "src/risk_model/signals/text*.py",
            "src/risk_model/model/encoder.py",
            "src/risk_model/model/transformer.py",
            "src/risk_model/reporting/examples/text*.py",
            "tests/text",
            "docs/text*",
        ),
        "events": (
            "src/risk_model/config/events.py",
            "src/risk_model/data/sources/event*.py",
            "src/risk_model/data/sources/synthetic_events.*",
            "src/risk_model/signals/event*.py",
            "src/risk_model/deployment/event_*.py",
            "src/risk_model/reporting/event_*.py",
            "src/risk_model/model/gru.py",
            "tests/events",
            "docs/events*",
        ),
    },
    "edition": {
        "reference": (
            "deploy/alerts.yml",
            "deploy/prometheus.yml",
            "docs/lesson.md",
            "docs/traps.md",
            "src/risk_model/app/audit_actions.py",
            "src/risk_model/app/commands/compare.py",
            "src/risk_model/app/commands/concept.py",
            "src/risk_model/app/commands/learning_curve.py",
            "src/risk_model/app/commands/optimism.py",
            "src/risk_model/app/commands/practice.py",
            "src/risk_model/app/commands/recalibrate.py",
            "src/risk_model/app/commands/stability.py",
            "src/risk_model/app/commands/traps.py",
            "src/risk_model/app/commands/walkthrough.py",
            "src/risk_model/deployment/audit/export.py",
            "src/risk_model/deployment/audit/proofs.py",
            "src/risk_model/deployment/audit/rotation.py",
            "src/risk_model/deployment/audit/segments.py",
            "src/risk_model/deployment/audit/subjects.py",
            "src/risk_model/lesson",
            "src/risk_model/validation",
            "src/risk_model/deployment/metrics.py",
            "src/risk_model/deployment/overload.py",
            "src/risk_model/deployment/predict_batch.py",
            "src/risk_model/deployment/prometheus_format.py",
            "src/risk_model/deployment/quotas.py",
            "src/risk_model/deployment/repeats.py",
            "src/risk_model/deployment/signing.py",
            "src/risk_model/deployment/start_changes.py",
            "src/risk_model/deployment/switch.py",
            "src/risk_model/deployment/tokens.py",
            "src/risk_model/config/downloaded.py",
            "src/risk_model/data/confounding.py",
            "src/risk_model/data/noise.py",
            "src/risk_model/data/shift.py",
            "src/risk_model/data/underdiagnosis.py",
            "src/risk_model/data/sources/diabetes130.py",
            "src/risk_model/evaluation/instability.py",
            "src/risk_model/evaluation/learning_curve.py",
            "src/risk_model/evaluation/paired_differences.py",
            "src/risk_model/model/tree_shapley.py",
            "src/risk_model/reporting/checklist*.py",
            "src/risk_model/reporting/forest.py",
            "src/risk_model/reporting/group_curves.py",
            "src/risk_model/reporting/comparison*",
            "src/risk_model/reporting/data_card.py",
            "src/risk_model/reporting/documents.py",
            "src/risk_model/reporting/heterogeneity.py",
            "src/risk_model/reporting/learning_curve.py",
            "src/risk_model/reporting/stability*",
            "src/risk_model/reporting/texts",
            "tests/deployment/audit/test_proofs.py",
            "tests/deployment/audit/test_retention.py",
            "tests/lesson",
            "tests/validation",
            "tests/events/test_events_elsewhere.py",
            "tests/test_published_figures.py",
            "tests/deployment/test_signing.py",
            "tests/deployment/test_start_changes.py",
            "tests/deployment/test_switch*.py",
            "tests/made_switch.py",
            "tests/reporting/test_forest.py",
            "tests/reporting/test_group_curves.py",
            "tests/reporting/test_checklists.py",
            "tests/reporting/test_every_field_is_shown.py",
            "tests/data/cases/test_elsewhere.py",
            "tests/deployment/test_metrics.py",
            "tests/deployment/test_overload.py",
            "tests/deployment/test_predict_batch.py",
            "tests/deployment/test_quotas.py",
            "tests/deployment/test_repeats.py",
            "tests/deployment/test_tokens.py",
            "tests/data/test_confounding.py",
            "tests/reporting/test_documents.py",
            "tests/reporting/test_heterogeneity.py",
            "tests/reporting/test_learning_curve.py",
            "tests/data/test_diabetes130.py",
            "tests/evaluation/test_instability.py",
            "tests/model/test_tree_shapley.py",
            "tests/data/test_noise.py",
            "tests/data/test_planted_truths.py",
            "tests/data/test_shift.py",
            "tests/data/test_underdiagnosis.py",
        ),
        # The take-home hands out rooms and no commands: what reads, questions and reports a table
        # would answer for the candidate, and so would the tests.
        "reference core": (
            "src/risk_model/__main__.py",
            "src/risk_model/app",
            "src/risk_model/artifacts.py",
            "src/risk_model/config/debug",
            "src/risk_model/config/experiment",
            "src/risk_model/config/serialisation.py",
            "src/risk_model/core/openings.py",
            "src/risk_model/core/runs.py",
            "src/risk_model/core/table.py",
            "src/risk_model/data/columns.py",
            "src/risk_model/data/download.py",
            "src/risk_model/data/drift_reference.py",
            "src/risk_model/data/duplicates.py",
            "src/risk_model/data/embedded",
            "src/risk_model/data/first_look/[!_s]*.py",
            "src/risk_model/data/first_look/sentinels.py",
            "src/risk_model/data/first_look/site_numbers.py",
            "src/risk_model/data/later_names.py",
            "src/risk_model/data/leak*.py",
            "src/risk_model/data/patient_numbers.py",
            "src/risk_model/data/prepare.py",
            "src/risk_model/data/pure_values.py",
            "src/risk_model/data/quality*.py",
            "src/risk_model/data/sample_size.py",
            "src/risk_model/data/sources/column_*.py",
            "src/risk_model/data/sources/fields.py",
            "src/risk_model/data/sources/files.py",
            "src/risk_model/data/sources/heart_disease.py",
            "src/risk_model/data/sources/inference.py",
            "src/risk_model/data/sources/outcome.py",
            "src/risk_model/data/sources/role_doubts.py",
            "src/risk_model/data/sources/support2.py",
            "src/risk_model/data/sources/synthetic.py",
            "src/risk_model/data/sources/table.py",
            "src/risk_model/data/sources/user_schema.py",
            "src/risk_model/data/sources/values.py",
            "src/risk_model/data/tables",
            "src/risk_model/data/twin_chance.py",
            "src/risk_model/data/univariate_association.py",
            "src/risk_model/deployment/audit/verify.py",
            "src/risk_model/deployment/batch.py",
            "src/risk_model/deployment/batch_units.py",
            "src/risk_model/deployment/origin.py",
            "src/risk_model/deployment/registry.py",
            "src/risk_model/deployment/serve.py",
            "src/risk_model/deployment/table_stream.py",
            "src/risk_model/pipeline.py",
            "src/risk_model/reporting",
            "src/risk_model/training/out_of_fold.py",
            ".github",
            ".pre-commit-config.yaml",
            "Dockerfile",
            "docs",
            "tests",
        ),
    },
    "licence": {
        "MIT": ("licences/MIT",),
        "Apache-2.0": ("licences/Apache-2.0",),
        "BSD-3-Clause": ("licences/BSD-3-Clause",),
        "Proprietary": ("licences/Proprietary",),
    },
}
# Lines between these marks of a comment stay where one of the answers is named; the marks never do.
MARKED = re.compile(r"(?ms)^(?:# |<!-- )only ([a-z ]+?)(?: -->)?\n(.*?)^(?:# |<!-- )end(?: -->)?\n")
WITH_MARKS = ("README.md", "pyproject.toml", "Makefile", "compose.yaml", "docs/*.md")
MARKING = ("modality", "edition")  # questions whose answers may stand in a mark
TAKE_HOME = "take_home"  # the edition that is no answer: `make take-home` passes it as __edition
FIRST_SOURCE = {
    "tabular": "support2",
    "imaging": "synthetic_images",
    "waveform": "synthetic_ecgs",
    "text": "synthetic_notes",
    "events": "synthetic_events",
}
CACHES = ("__pycache__", ".ruff_cache", ".mypy_cache", ".pytest_cache", ".hypothesis", "*.egg-info")
# Neither renamed nor dropped when a project is made again over itself.
YOURS = set(".git .venv audit audit-keys cache generated mlartifacts mlflow.db models runs".split())


def drop_caches() -> None:
    """Removes what a used clone of the template left in the tree."""
    for path in _tree():
        if any(path.match(pattern) for pattern in CACHES):
            shutil.rmtree(path, ignore_errors=True)


def _tree() -> list[Path]:
    tops = [path for path in Path().iterdir() if path.name not in YOURS]
    return [path for top in tops for path in (top, *(top.rglob("*") if top.is_dir() else ()))]


def choose_files(answers: dict[str, str]) -> None:
    """Drops the files of the answers that were not chosen, and moves the licence to its place."""
    chosen_answers = {answers[question] for question in MARKING}
    for question, choices in ONLY_FOR.items():
        for keepers, patterns in choices.items():
            kept = (chosen_answers | {answers[question]}) & set(keepers.split())
            for pattern in () if kept else patterns:
                for path in list(Path().glob(pattern)):
                    _drop(path)
    chosen = Path("licences") / answers["licence"]
    if chosen.is_file():
        chosen.replace("LICENSE")
        chosen.parent.rmdir()


def choose_lines(answers: dict[str, str]) -> None:
    """Drops the marked lines of the other answers, and the marks."""
    chosen = {answers[question] for question in MARKING}
    for path in (path for pattern in WITH_MARKS for path in Path().glob(pattern)):
        text = path.read_text(encoding="utf-8")
        text = MARKED.sub(lambda mark: mark[2] if chosen & set(mark[1].split()) else "", text)
        path.write_text(text, encoding="utf-8")


def choose_source(modality: str) -> None:
    """Names the source that is read when the command line names none."""
    folder = Path("src") / TEMPLATE_PACKAGE / "config"
    if folder.is_dir():  # not when the package has its own name already
        (folder / "first_source.txt").write_text(f"{FIRST_SOURCE[modality]}\n", encoding="utf-8")


def _drop(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def name_package(package: str) -> None:
    """Gives the package its own name: its folder, and that word in every text file."""
    if package == TEMPLATE_PACKAGE:
        return
    folder = Path("src") / TEMPLATE_PACKAGE
    if folder.is_dir():
        shutil.copytree(folder, folder.with_name(package), dirs_exist_ok=True)
        shutil.rmtree(folder)
    for path in filter(Path.is_file, _tree()):
        _rename_within(path, package)


def _rename_within(path: Path, package: str) -> None:
    content = path.read_bytes()
    try:
        text = content.decode()
    except UnicodeDecodeError:  # data, not text
        return
    renamed = re.sub(rf"\b{TEMPLATE_PACKAGE}\b", package, text)
    if renamed != text:
        lines = renamed.split("\n")
        path.write_bytes(
            "\n".join(map(_wrapped, lines) if path.suffix == ".py" else lines).encode()
        )


def _wrapped(line: str) -> str:
    """An import that the longer name made too long, one name a line as `ruff format` writes it."""
    match = re.fullmatch(r"( *)(from \S+ import )([^(#]+)", line)
    if len(line) <= LINE_LENGTH or not match:
        return line
    indent, start, names = match.groups()
    return "\n".join(
        [f"{indent}{start}(", *(f"{indent}    {name}," for name in names.split(", ")), f"{indent})"]
    )


def main() -> None:
    """Finishes the project in the current directory and says what to do next."""
    answers = json.loads(r"""{{ cookiecutter | tojson }}""")
    answers["edition"] = answers.get("__edition") or answers["edition"]
    drop_caches()
    choose_files(answers)
    choose_lines(answers)
    choose_source(answers["modality"])
    name_package(answers["__package"])
    if answers["edition"] == TAKE_HOME:
        return
    slug = answers["project_slug"]
    print(f"\n{slug} is ready ({', '.join(answers[question] for question in ONLY_FOR)}). Next:")
    print(f"  cd {slug} && make install")
    print("  make run\n")


if __name__ == "__main__":
    main()
