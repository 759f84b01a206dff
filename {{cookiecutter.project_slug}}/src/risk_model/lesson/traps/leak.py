"""Leakage: the best columns of SUPPORT2 were written down later.

Is everything in the file known when the model is asked?

The question is put on day 3: who will be dead within 180 days? `sfdm2` is how disabled the patient
was two months on, and one of its values means that there was no two months later; `dnr` is an order
given at any time of the stay; `surv2m`, `surv6m` and `sps` are the opinions of another model; the
interviews on daily living are missing where nobody could answer, which tells by itself. Kapoor and
Narayanan, Patterns 2023;4:100804, found leakage in seventeen fields of science.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from risk_model import config
from risk_model.core.cohort import Cohort
from risk_model.core.estimate import Estimate
from risk_model.core.scores import auroc
from risk_model.core.subject_folds import subject_folds
from risk_model.data import load
from risk_model.data.leak_signs import column_leaks
from risk_model.lesson.traps.lesson import Chart, Code, Lesson, Pair, Row
from risk_model.lesson.traps.models import logistic_regression, out_of_fold

HORIZON = 180  # days
FUNCTION = ("sfdm2",)
OPINIONS = ("sps", "surv2m", "surv6m", "dnr")
INTERVIEWS = ("adlp", "adls", "adlsc")
STEPS = {  # what is shown beside the columns of day 3
    "day 3, and all that is named below": (*INTERVIEWS, *OPINIONS, *FUNCTION),
    "without sfdm2": (*INTERVIEWS, *OPINIONS),
    "without sps, surv2m, surv6m, dnr": INTERVIEWS,
    "without adlp, adls, adlsc: day 3": (),
}
FORMATS = {"columns": "", "fields": "d", "AUROC": ".3f", "the leakage check says": ""}
CODE = Code(
    wrong='lesson/traps/leak.py#STEPS "*FUNCTION"',
    right='core/schema.py#Schema.inputs "recorded_after"',
    test="tests/data/test_leakage.py::"
    "test_support2_without_its_exclusions_is_stopped_and_the_strongest_are_named",
)


def demonstrate(data: str, cache: str) -> Lesson:
    """Logistic regression on SUPPORT2 with ever fewer of the columns recorded after day 3."""
    cohort = half_year(load(config.Support2()))
    rows = strip(cohort)
    reached = [Estimate(float(row["AUROC"])) for row in rows]
    names = [str(row["columns"]) for row in rows]
    pairs = [Pair(name, wrong=value) for name, value in zip(names[:-1], reached, strict=False)]
    pairs.append(Pair(names[-1], right=reached[-1]))
    every, without, honest, strict = (float(row["AUROC"]) for row in rows)
    return Lesson(
        question="Is everything in the file known when the model is asked?",
        data=f"{data}, death within {HORIZON} days, asked on day 3: {len(cohort):,} patients, "
        f"{cohort.labels.mean():.1%} events; logistic regression out of fold, with a flag for what "
        "is missing.",
        rows=rows,
        formats=FORMATS,
        chart=Chart("AUROC", "with later columns", "day 3 alone", pairs),
        code=CODE,
        see=f"With all of them the AUROC is {every:.3f}; without one column, sfdm2, {without:.3f}; "
        f"without other models' scores and the order not to resuscitate {honest:.3f}; without the "
        f"interviews, which are missing where nobody could answer, {strict:.3f}: all that is there "
        "when the model is used.",
        do="Ask of each column when it was written down, and name the later ones in "
        "data.recorded_after. The check "
        "finds by itself what is too good to be true or says that it is later; that a plausible "
        "column came later it cannot know.",
        source="Kapoor and Narayanan 2023, Patterns 4:100804; data: Knaus 1995, Ann Intern Med "
        "122:191.",
    )


def half_year(cohort: Cohort) -> Cohort:
    """The cohort with death within HORIZON days as its outcome."""
    died = (cohort.inputs["death"] == 1) & (cohort.inputs["d.time"] <= HORIZON)
    schema = replace(cohort.schema, outcome=f"death within {HORIZON} days")
    return replace(cohort, schema=schema, outcome=died.to_numpy().astype(np.int8))


def strip(cohort: Cohort) -> list[Row]:
    """AUROC out of fold, and what the leakage check says of the columns, for each of STEPS."""
    later = config.Support2().recorded_after
    fold = subject_folds(cohort.subjects, cohort.labels, seed=0)
    rows: list[Row] = []
    for step, added in STEPS.items():
        schema = cohort.schema.declare_recorded_after([name for name in later if name not in added])
        visible = replace(cohort, schema=schema)
        risk = out_of_fold(logistic_regression(), visible.encoded(), visible.labels, fold)
        rows.append(
            {
                "columns": step,
                "fields": len(schema.inputs),
                "AUROC": auroc(visible.labels, risk),
                "the leakage check says": _leakage_check(visible),
            }
        )
    return rows


def _leakage_check(cohort: Cohort) -> str:
    """Severity and names of the columns that the leakage check takes up, the first of each."""
    findings = column_leaks(cohort)
    named = {s: [f.where for f in findings if f.severity == s] for s in ("error", "warning")}
    return (
        "; ".join(f"{severity}: {', '.join(names)}" for severity, names in named.items() if names)
        or "nothing"
    )
