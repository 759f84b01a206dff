"""Mutants: mistakes made on purpose, each once, whose test must fail.

The texts follow the source word by word. A fast test says so at once when a file was reformatted or
moved; whether each mistake is noticed takes minutes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import TREE


@dataclass(frozen=True)
class Mutant:
    """A mistake: `old`, which stands once in `file`, becomes `new`, and `test` must fail."""

    file: str
    old: str
    new: str
    test: str


MUTANTS = {
    "one field is enough for a risk": Mutant(
        "src/risk_model/deployment/requests.py",
        "few = most - len(request.missing) < least",
        "few = False",
        "tests/deployment/test_input_policy.py::test_one_field_gets_no_risk",
    ),
    "a value needs no unit": Mutant(
        "src/risk_model/deployment/requests.py",
        "inputs.get(name) is not None and name not in units",
        "False",
        "tests/deployment/test_requests.py::"
        "test_each_value_states_its_unit_which_must_be_the_schemas_own",
    ),
    "a risk just below the threshold is shown above it": Mutant(
        "src/risk_model/core/risk_step.py",
        "(count + side) / steps",
        "count / steps",
        "tests/core/test_risk_step.py::"
        "test_a_rounded_risk_is_a_step_near_and_on_the_same_side_of_the_threshold",
    ),
    "a weight that is no number is served": Mutant(
        "src/risk_model/core/package.py",
        "        if not finite:\n",
        "        if False:\n",
        "tests/deployment/test_package_checks.py::"
        "test_a_faulty_package_is_refused_before_anything_is_written",
    ),
    "an unsigned package passes": Mutant(
        "src/risk_model/deployment/origin.py",
        "    if verify_key:\n",
        "    if False:\n",
        "tests/deployment/test_signing.py::"
        "test_a_server_refuses_what_is_not_signed_or_not_pinned_in_one_line",
    ),
    "a model may see what is recorded after the prediction": Mutant(
        "src/risk_model/core/schema.py",
        "tuple(f for f in self.fields if not f.recorded_after)",
        "tuple(f for f in self.fields)",
        "tests/core/test_schema.py::test_what_is_recorded_later_is_no_input",
    ),
    "a lower layer imports a higher one": Mutant(
        "src/risk_model/core/findings.py",
        "from dataclasses import dataclass\n",
        "from dataclasses import dataclass\n\nfrom risk_model import data\n",
        "tests/test_project.py::test_no_import_runs_upward",
    ),
    "serving imports pandas": Mutant(
        "src/risk_model/core/schema.py",
        "if TYPE_CHECKING:\n    import pandas as pd\n",
        "import pandas as pd\n",
        "tests/test_project.py::test_serving_imports_nothing_that_only_training_needs",
    ),
    "MLflow may call home": Mutant(
        "src/risk_model/__init__.py",
        '"true"',
        '"false"',
        "tests/test_project.py::test_importing_the_package_turns_telemetry_off",
    ),
    "ONNX Runtime may call home": Mutant(
        "src/risk_model/__init__.py",
        '    "ORT_DISABLE_TELEMETRY": "1",\n',
        "",
        "tests/test_outside_world.py::"
        "test_whatever_is_imported_first_onnxruntime_leaves_no_id_in_the_home",
    ),
    "a column's name is read by Hydra's grammar": Mutant(
        "src/risk_model/app/setting_words.py",
        "map(_hydra_text, marked)",
        "marked",
        "tests/core/test_setting_syntax.py::test_a_list_of_any_names_is_read_as_it_was_shown",
    ),
    "a seed may be negative": Mutant(
        "src/risk_model/config/bounds.py",
        "lambda value: 0 <= value < 2**32",
        "lambda value: value < 2**32",
        "tests/config/test_bounds.py::"
        "test_what_makes_no_sense_is_refused_before_anything_is_read_or_made",
    ),
    "a path is pasted into the store's URL": Mutant(
        "src/risk_model/core/tracking.py",
        'str(URL.create("sqlite+pysqlite", database=str(database)))',
        "f\"{URL.create('sqlite')}/{database}\"",
        "tests/core/test_tracking.py::test_a_folder_may_have_any_name",
    ),
    "trap 1: accuracy heads the results": Mutant(
        "src/risk_model/evaluation/resampled_metrics.py",
        'return metric.when == "always" or self.config.classification',
        "return True",
        "tests/evaluation/test_traps.py::test_no_key_of_the_evaluation_is_accuracy_or_f1",
    ),
    "trap 2: an activation before the loss that applies its own": Mutant(
        "src/risk_model/training/loop.py",
        "torch.autograd.backward(loss(network(features), labels))",
        "torch.autograd.backward(loss(torch.sigmoid(network(features)), labels))",
        "tests/training/test_traps.py::"
        "test_training_drives_logits_to_where_no_probability_could_be",
    ),
    "trap 2: an activation at the end of the network": Mutant(
        "src/risk_model/model/mlp.py",
        "logits: Tensor = (hidden * self.output_weights).sum(dim=2) + self.bias",
        "logits: Tensor = ((hidden * self.output_weights).sum(dim=2) + self.bias).sigmoid()",
        "tests/training/test_traps.py::"
        "test_the_projects_own_network_learns_logits_and_not_probabilities",
    ),
    "trap 3: train mode while scoring": Mutant(
        "src/risk_model/model/score.py",
        "    network.eval()\n",
        "",
        "tests/training/test_traps.py::"
        "test_two_scorings_of_the_same_rows_are_equal_although_the_network_is_training",
    ),
    "trap 3: eval mode while training": Mutant(
        "src/risk_model/model/score.py",
        "            module.training = mode\n",
        "            pass\n",
        "tests/training/test_traps.py::test_scoring_leaves_each_module_in_the_mode_it_had",
    ),
    "imputation learns from rows outside train": Mutant(
        "src/risk_model/training/fit.py",
        "everybody = Sample(inputs.simple, labels,",
        "seen = inputs.simple\n"
        "    seen = np.where(np.isnan(seen), np.nanmedian(seen, axis=0), seen)\n"
        "    everybody = Sample(seen, labels,",
        "tests/training/test_fit.py::"
        "test_rows_outside_train_and_validation_change_no_fitted_parameter",
    ),
    "the calibrator learns from test rows": Mutant(
        "src/risk_model/training/develop.py",
        "    rows_of = labels[held_out], subjects[held_out], settings.seed\n",
        "    held_out = splits.test[np.arange(len(held_out)) % len(splits.test)]\n"
        "    rows_of = labels[held_out], subjects[held_out], settings.seed\n",
        "tests/test_pipeline.py::test_changing_test_outcomes_changes_no_champion_threshold_or_calibrator",
    ),
    "a model is asked about rows that taught it": Mutant(
        "src/risk_model/training/folds.py",
        "others = rows[fold != k]",
        "others = rows",
        "tests/training/test_develop.py::"
        "test_each_row_is_held_out_once_from_models_that_saw_nothing_of_its_subject",
    ),
    "folds part the rows of a patient": Mutant(
        "src/risk_model/training/folds.py",
        "fold = subject_folds(subjects[rows], labels[rows], seed, folds)",
        "fold = subject_folds(np.arange(len(rows)), labels[rows], seed, folds)",
        "tests/training/test_develop.py::"
        "test_each_row_is_held_out_once_from_models_that_saw_nothing_of_its_subject",
    ),
    "the champion out of fold is the one chosen with the patient": Mutant(
        "src/risk_model/training/out_of_fold.py",
        "source = made.champion.name if name == champion else name",
        "source = name",
        "tests/training/test_develop.py::"
        "test_the_champions_rows_are_those_of_what_was_chosen_without_them",
    ),
    "what cannot be told apart counts as equally good": Mutant(
        "src/risk_model/training/folds.py",
        "name == best or intervals[name].high < margin)",
        "name == best or intervals[name].low <= 0)",
        "tests/training/test_champion.py::"
        "test_few_rows_that_tell_nothing_apart_do_not_make_the_simplest_as_good",
    ),
    "rows are split, not subjects": Mutant(
        "src/risk_model/data/split.py",
        "subject, names = pd.factorize(cohort.subjects)",
        "subject, names = pd.factorize(np.arange(len(cohort)))",
        "tests/data/test_split.py::"
        "test_no_subject_stands_in_two_parts_and_every_row_in_one_or_aside",
    ),
    "an answer does not wait for its record": Mutant(
        "src/risk_model/deployment/app.py",
        "prediction_id = await self.audit.append(\n"
        '            "prediction", facts, request.row.tobytes(), request.subject\n        )',
        'prediction_id, _ = "0", asyncio.ensure_future(self.audit.append("prediction", facts, '
        "request.row.tobytes(), request.subject))",
        "tests/deployment/test_app.py::"
        "test_a_prediction_stands_in_the_log_with_its_model_and_without_its_inputs",
    ),
    "patients are flagged by .5 and not by the package's threshold": Mutant(
        "src/risk_model/deployment/app.py",
        "flagged = risk >= threshold",
        "flagged = risk >= 0.5",
        "tests/deployment/test_app.py::"
        "test_the_packages_own_threshold_flags_a_risk_that_reaches_it",
    ),
    "intervals draw rows, not patients": Mutant(
        "src/risk_model/evaluation/split_evaluation.py",
        'codes, subjects = pd.factorize(predictions["subject_id"])',
        'codes, subjects = pd.factorize(predictions.groupby("model").cumcount())',
        "tests/evaluation/test_extremes.py::test_rows_of_the_same_patients_make_intervals_wider",
    ),
    "a site that is left out teaches": Mutant(
        "src/risk_model/validation/internal_external.py",
        "kind, name, cohort, splits, splits.external.get(part",
        "kind, name, cohort, split(cohort, settings.split, replace(data, held_out_sites=[], "
        "held_out_period=0.0), settings.seed), splits.external.get(part",
        "tests/validation/test_internal_external.py::"
        "test_outcomes_of_what_is_left_out_change_no_model",
    ),
    "a recalibrated model is judged on the patients that its line was fitted to": Mutant(
        "src/risk_model/validation/external.py",
        "cross_fitted(lambda rows: FITS[kind](logits[rows], labels[rows]), logits, fold)",
        "cross_fitted(lambda rows: line, logits, fold)",
        "tests/validation/test_external.py::"
        "test_what_a_mended_package_is_judged_by_was_scored_without_its_own_outcome",
    ),
    "what failed is served on anybody's word": Mutant(
        "src/risk_model/deployment/serve.py",
        'if manifest.gate == "fail":',
        'if manifest.gate == "nothing":',
        "tests/test_acceptance.py::"
        "test_a_failed_model_that_nobody_accepted_is_not_served_whatever_is_said_at_the_door",
    ),
    "few patients pass": Mutant(
        "src/risk_model/evaluation/gates.py",
        "    if short:\n        outcomes = outcomes - {CANNOT_TELL} | {TOO_FEW}\n",
        "",
        "tests/evaluation/test_utility_and_gates.py::"
        "test_with_fewer_rows_than_a_stated_interval_needs_nothing_passes",
    ),
    "a site that failed leaves the gate as it is": Mutant(
        "src/risk_model/core/package.py",
        "        return worst(self.gates.values())\n",
        '        return self.gates.get("test", "pass")\n',
        "tests/test_acceptance.py::"
        "test_a_site_that_failed_keeps_a_model_from_patients_until_the_reason_names_it",
    ),
    "a model that flags everybody passes": Mutant(
        "src/risk_model/evaluation/gates.py",
        '        "net_benefit_gain": (0.0, None),\n',
        "",
        "tests/reporting/test_sentences.py::test_a_model_that_flags_everybody_is_no_pass",
    ),
    "a group is compared with all patients, itself among them": Mutant(
        "src/risk_model/evaluation/split_evaluation.py",
        "others = everybody.take(~inside)",
        "others = everybody",
        "tests/evaluation/test_subgroups.py::test_a_group_is_compared_with_those_who_are_not_in_it",
    ),
    "one changed byte of the model is not noticed": Mutant(
        "src/risk_model/core/package.py",
        "if content is None or listed != hashlib.sha256(content).hexdigest():",
        "if content is None:",
        "tests/core/test_package.py::test_one_changed_byte_is_refused_and_named",
    ),
}


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS)
def test_the_text_that_a_mistake_replaces_stands_once_in_its_file(mutant: Mutant) -> None:
    text = (TREE / mutant.file).read_text(encoding="utf-8")
    assert text.count(mutant.old) == 1, f"{mutant.file}: bring the table in step"
    name, _, function = mutant.test.partition("::")
    assert f"def {function}(" in (TREE / name).read_text(encoding="utf-8") or not function


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project to make mistakes in; each test leaves it as it was."""
    copy = tmp_path_factory.mktemp("mutants") / "project"
    shutil.copytree(
        TREE, copy, ignore=shutil.ignore_patterns("__pycache__", ".*_cache", ".venv", ".hypothesis")
    )
    return copy


def run_tests(project: Path, *tests: str) -> subprocess.CompletedProcess[str]:
    """Runs tests, stopping at the first failure; no bytecode, which could outlive the mistake."""
    command = [sys.executable, "-B", "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    return subprocess.run(
        command, cwd=project, env=dict(os.environ), capture_output=True, text=True
    )


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS)
def test_a_mistake_is_noticed(project: Path, mutant: Mutant) -> None:
    path = project / mutant.file
    original = path.read_text(encoding="utf-8")
    path.write_text(original.replace(mutant.old, mutant.new), encoding="utf-8")
    try:
        done = run_tests(project, mutant.test)
    finally:
        path.write_text(original, encoding="utf-8")
    assert done.returncode == 1, done.stdout[-3000:]  # 2 to 5: the test did not run
    assert f"FAILED {mutant.test}" in done.stdout


@pytest.mark.slow
def test_without_a_mistake_the_same_tests_pass(project: Path) -> None:
    done = run_tests(project, *sorted({mutant.test for mutant in MUTANTS.values()}))
    assert done.returncode == 0, done.stdout[-3000:]
