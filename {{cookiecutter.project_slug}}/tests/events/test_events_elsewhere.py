"""Is a package judged elsewhere by its own page, and told who was left out there?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from risk_model import pipeline
from risk_model.config.events import Events
from risk_model.core.errors import UserError
from risk_model.data import load
from risk_model.validation.external import evaluate_package

from tests.events.made_run import small_settings


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The logistic regression of a run in a directory in which the tests of this file stay."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("events"))
        yield pipeline.run(small_settings()).directory / "packages/logistic_regression"


def test_elsewhere_the_package_brings_its_page_and_its_own_flow_is_told(package: Path) -> None:
    other = small_settings(seed=1, spec="there-is-no-such.yaml")
    other.package = str(package)
    said: list[str] = []
    directory, evaluation = evaluate_package(other, lambda step, text: said.append(text))
    assert any("flow: possible moments: 700 moments" in line for line in said)
    assert list(evaluation.parts) == ["elsewhere: synthetic_events"]
    report = (directory / "report.html").read_text(encoding="utf-8")
    assert "From the possible moments to the cohort" in report


def test_a_measurement_that_nobody_has_there_is_one_clear_line(
    package: Path, tmp_path: Path
) -> None:
    stays = "generated/synthetic_events-700-0/meds/data/0.parquet"
    query = f"select * from '{stays}' where code <> 'LOINC/2524-7'"  # noqa: S608
    duckdb.sql(f"copy ({query}) to '{tmp_path / 'without.parquet'}' (format parquet)")
    settings = Events(path=str(tmp_path / "without.parquet"), schema=str(package / "schema.json"))
    with pytest.raises(UserError, match=r"no event has a code of lactate \(LOINC/2524-7\)"):
        load(settings)


@pytest.mark.slow
def test_models_of_one_set_of_intensive_care_stays_hold_in_another(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    downloaded: Callable[[str], Path],
    record_property: Callable[[str, object], None],
) -> None:
    """PhysioNet 2012, trained on set-a and judged on set-c: 4,000 stays each."""
    monkeypatch.chdir(tmp_path)
    settings, folder = small_settings(), downloaded("physionet2012")
    page, dated = str(Path(__file__).with_name("icu.yaml")), ["MEDS_DEATH", "DISCHARGE"]
    settings.data = Events(path=str(folder / "set-a.parquet"), spec=page, day_only=dated)
    settings.model.logistic_regression.c, settings.model.xgboost.trees = 0.0, 1000
    settings.split.test_events, settings.split.repeats = 10_000, 1
    packages = pipeline.run(settings).directory / "packages"
    settings.data.path = str(folder / "set-c.parquet")
    for model, least in (("logistic_regression", 0.855), ("xgboost", 0.86)):
        settings.package = str(packages / model)
        _, evaluation = evaluate_package(settings)
        metrics = evaluation.parts["elsewhere: set-c"].models[model].metrics
        auroc, slope = metrics["auroc"].estimate, metrics["slope"].estimate
        told = f"AUROC {auroc:.3f}, AUPRC {metrics['auprc'].estimate:.3f}, slope {slope:.2f}"
        record_property("figures", f"PhysioNet 2012, set-c, {model}: {told}")
        assert auroc is not None
        assert auroc >= least
        assert slope is not None
        assert 0.85 <= slope <= 1.15
