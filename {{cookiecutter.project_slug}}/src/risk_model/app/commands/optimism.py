"""optimism: how much too good a run's models look on the rows they were made from."""

from __future__ import annotations

from risk_model.app.console import say
from risk_model.config import Config
from risk_model.config.serialisation import read_settings
from risk_model.core.runs import find_run
from risk_model.data.prepare import prepare
from risk_model.evaluation.metric_table import BY_NAME
from risk_model.model.table import label
from risk_model.validation import optimism as validation
from risk_model.validation.optimism import FALL, CorrectedMetric, RunOptimism

# the one metric that the table lacks
LABELS = {"intercept": "calibration intercept"}


def optimism(settings: Config) -> None:
    """Makes a run's baselines anew on other samples, and prints the corrected figures."""
    directory = find_run(settings.runs, settings.run)
    trained = read_settings(directory)
    prepared = prepare(trained)
    record = validation.optimism(trained, directory, prepared, settings.evaluation.refits)
    for line in lines(record):
        say("optimism", line)
    say("file", str(directory / "optimism.json"))


def lines(record: RunOptimism) -> list[str]:
    """What was corrected, how, and each metric."""
    own = record.optimism
    drawn = f"{own.rows:,} rows" if record.subjects is None else f"{record.subjects:,} subjects"
    texts = [
        f"of all steps: {_steps(record)}; {own.resamples:,} samples of the {drawn} of development",
        *_limits(record),
    ]
    for name, metric in own.metrics.items():
        texts.append(f"{LABELS.get(name) or BY_NAME[name].label}: {_figures(metric)}")
    if own.too_small:
        texts.append(
            "the correction may be too small for models that fit their own rows this closely: read "
            "the figures beside those on the rows that the samples left out, where AUROC is lower "
            f"by more than {FALL}"
        )
    return texts


def _steps(record: RunOptimism) -> str:
    names = " and ".join(label(name) for name in record.models)
    if record.forced:
        return f"fit and calibration of {label(record.champion)}, which model.champion names"
    return f"fit, calibration, choice of the champion between {names}"


def _limits(record: RunOptimism) -> list[str]:
    """What the figures are not of: the champion itself, or a choice that it won against others."""
    others = " and ".join(label(name) for name in record.not_made_anew)
    if record.champion in record.not_made_anew:
        return [
            f"the champion of this run, {label(record.champion)}, is not made anew: the figures "
            "are of the baselines' strategy, not of it"
        ]
    if others and not record.forced:
        return [f"{others} is not made anew, so the choice against it is not corrected for"]
    return []


def _figures(metric: CorrectedMetric) -> str:
    if metric.corrected is None:
        return f"{_number(metric.apparent)} apparent; not defined in every sample"
    return (
        f"{_number(metric.apparent)} apparent, optimism {_number(metric.optimism)} (Monte Carlo "
        f"error {_number(metric.error)}), {_number(metric.corrected)} corrected; on rows that the "
        f"samples left out {_number(metric.left_out)}"
    )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}".replace("-", "−")
