"""How performance varies between sites, in a table and in words, and what is missing where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from risk_model.core.estimate import Estimate
from risk_model.core.table import Row
from risk_model.evaluation.gates import FAIL, Bounds, within
from risk_model.evaluation.metric_table import BY_NAME, label
from risk_model.evaluation.results import FEWEST_SITES, LeftOutEvaluation, PooledPerformance
from risk_model.model.table import label as model_label
from risk_model.reporting.forest import ForestRow
from risk_model.reporting.markdown import section, table
from risk_model.reporting.wording import capitalise, cell, estimate_text

CHANCE = 0.5  # the AUROC of a coin
MOST_COLUMNS = 4  # named in a sentence


def heterogeneity_table(rows: Sequence[PooledPerformance]) -> list[Row]:
    """A row a model and measure; empty where no model was judged at enough sites."""
    return [
        {
            "model": model_label(row.model),
            "measure": row.measure,
            "sites": row.sites,
            "pooled": row.pooled,
            "τ": f"{cell(row.tau)} ({row.scale})",
            "95 % prediction interval": " to ".join(map(cell, row.prediction or ())),
        }
        for row in rows
        if row.prediction
    ]


def heterogeneity_sentences(rows: Sequence[PooledPerformance]) -> list[str]:
    """What a new site may expect of each model's AUROC, or why nobody can tell."""
    return [_sentence(row) for row in rows if row.measure == label("auroc")]


def _sentence(row: PooledPerformance) -> str:
    model = model_label(row.model)
    if row.pooled is None or row.prediction is None:
        judged = "1 site" if row.sites == 1 else f"{row.sites} sites"
        return (
            f"Differences between sites are not quantified for {model}: {judged} left out could "
            f"be judged, and a pooled estimate needs {FEWEST_SITES}."
        )
    low, high = (f"{end:.2f}" for end in row.prediction)
    pooled = f"AUROC of {model} at a left-out site: {estimate_text(row.pooled, 2)}"
    pooled += f", pooled over {row.sites}"
    if row.prediction[0] <= CHANCE:
        return f"{pooled}; they are too few or too unlike to tell a new site's ({low} to {high})."
    return f"{pooled}; 95 % prediction interval of a new site like these: {low} to {high}."


def card_section(name: str, rows: Sequence[PooledPerformance]) -> str:
    """The section of a card: how the model varies between sites, or how the baselines do."""
    if not rows:
        return section("Between sites", "No site was left out in turn.")
    own = [row for row in rows if row.model == name]
    absent = f"{capitalise(model_label(name))} was not made anew; the baselines were."
    shown = own or rows
    sentences = heterogeneity_sentences(shown)
    lines = [*sentences, table(heterogeneity_table(shown))]
    return section("Between sites", *([] if own else [absent]), *lines)


def missing_causes(
    rows: Sequence[ForestRow],
    left_out: Sequence[LeftOutEvaluation],
    bounds: Mapping[str, Bounds],
) -> list[str]:
    """A sentence for each site that deviates and lacks other values than the other sites do.

    Deviates: the whole interval of a gated metric lies outside its bounds, or that of AUROC below
    the estimates of the same kind everywhere else.
    """
    missing = {turn.name: turn.missing for turn in left_out if turn.kind == "site"}
    sentences = []
    for row in rows:
        columns, deviating = missing.get(row.site, {}), _deviating(row, rows, bounds)
        if columns and deviating:
            figures = "; ".join(deviating)
            sentences.append(
                f"{row.label}, {model_label(row.model)}: {figures}. What is missing there is not "
                f"what is missing at the other sites: {_columns(columns)}. How missing values were "
                "filled in may be the cause: try the model with missing flags, or without these "
                "columns."
            )
    return sentences


def _deviating(
    row: ForestRow, rows: Sequence[ForestRow], bounds: Mapping[str, Bounds]
) -> list[str]:
    """The metrics that surely lie outside their bounds, or below all others, with the numbers."""
    out = {name for name, ends in bounds.items() if _fails(row.metrics.get(name), ends)}
    alike = [other.metrics for other in rows if other.refitted == row.refitted and other != row]
    others = [m["auroc"].estimate for m in alike if "auroc" in m]
    lowest = min((other for other in others if other is not None), default=None)
    own = row.metrics.get("auroc")
    if own and own.high is not None and lowest is not None and own.high < lowest:
        out.add("auroc")
    return [
        f"{label(name)} {estimate_text(row.metrics[name], 2)}" for name in BY_NAME if name in out
    ]


def _fails(estimate: Estimate | None, bounds: Bounds) -> bool:
    return estimate is not None and within(estimate, bounds) == FAIL


def _columns(missing: Mapping[str, float]) -> str:
    """The columns of which more or less is missing, the largest differences first."""
    ranked = sorted(missing.items(), key=lambda item: -abs(item[1]))
    more_or_less = {name: "more" if share > 0 else "less" for name, share in ranked}
    texts = [
        f"{name} {more_or_less[name]} often missing (share differs by {abs(share):.2f})"
        for name, share in ranked[:MOST_COLUMNS]
    ]
    more = f" and {len(ranked) - MOST_COLUMNS} more" if len(ranked) > MOST_COLUMNS else ""
    return "; ".join(texts) + more
