"""SUPPORT2: which patients die in hospital?

9,105 critically ill adults in five US hospitals, 1989-94.

The prediction moment is the third day of the study, when the physiology below was measured. Knaus
et al., Annals of Internal Medicine 1995;122:191-203. Ranges are wide enough for real intensive
care: what lies outside is a slip of the pen, becomes missing and is counted.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from risk_model import config
from risk_model.core.cohort import Cohort
from risk_model.core.schema import Field, Schema
from risk_model.data.sources.coerce import as_text, coerce, declare_recorded_after
from risk_model.data.sources.fields import category, number

FILE = Path(__file__).parent.parent / "embedded" / "support2.parquet"
SOURCE = "SUPPORT2 (UCI 880, doi:10.3886/ICPSR02957.v2), W. Knaus and F. Harrell, CC BY 4.0"

DISEASES = (
    "ARF/MOSF w/Sepsis",
    "CHF",
    "COPD",
    "Cirrhosis",
    "Colon Cancer",
    "Coma",
    "Lung Cancer",
    "MOSF w/Malig",
)

# Not here: race (below), dzclass (a grouping of dzgroup), edu and income (interviews, mostly held
# after day 3 and missing when the patient died before).
DAY_3 = (
    number("age", "a", 18, 110, "age", loinc="30525-0"),
    category("sex", ("female", "male"), "sex", loinc="46098-0"),
    category("dzgroup", DISEASES, "disease that qualified for the study"),
    number("num.co", "1", 0, 20, "number of comorbidities"),
    Field("diabetes", "boolean", description="diabetes among the comorbidities"),
    Field("dementia", "boolean", description="dementia among the comorbidities"),
    category("ca", ("no", "yes", "metastatic"), "cancer"),
    number("hday", "d", 1, 1000, "day in hospital at which the patient entered the study"),
    number("scoma", "1", 0, 100, "SUPPORT coma score, from the Glasgow scale; 100 is deepest"),
    # 0 beats or breaths a minute is a cardiac or respiratory arrest on that day: real, and 37-40 %
    # lived.
    number("meanbp", "mm[Hg]", 0, 250, "mean arterial pressure, day 3", loinc="8478-0"),
    number("hrt", "/min", 0, 350, "heart rate, day 3", loinc="8867-4"),
    number("resp", "/min", 0, 120, "respiratory rate, day 3", loinc="9279-1"),
    number("temp", "Cel", 25, 45, "body temperature, day 3", loinc="8310-5"),
    # A test not ordered is news (death .17 without a blood gas, .29 with it); ph is missing where
    # pafi is.
    number("pafi", "mm[Hg]", 10, 1000, "PaO2/FiO2, day 3", missing_flag=True),
    number("ph", "[pH]", 6.5, 8, "arterial pH, day 3", loinc="2744-1"),
    number("wblc", "10*3/uL", 0, 500, "leukocytes, day 3", loinc="26464-8", missing_flag=True),
    number("alb", "g/dL", 0.3, 8, "serum albumin, day 3", loinc="1751-7"),
    number("bili", "mg/dL", 0, 100, "bilirubin, day 3", loinc="1975-2", missing_flag=True),
    number("crea", "mg/dL", 0, 50, "serum creatinine, day 3", loinc="2160-0"),
    number("sod", "mmol/L", 90, 200, "serum sodium, day 3", loinc="2951-2"),
    number("glucose", "mg/dL", 5, 2000, "serum glucose, day 3", loinc="2345-7"),
    number("bun", "mg/dL", 0, 400, "blood urea nitrogen, day 3", loinc="3094-0"),
    number("urine", "mL/d", 0, 20000, "urine output, day 3", loinc="9192-6"),
)

# Declared `recorded_after` in the configuration. They stand here so that the leakage check can be
# seen to find them.
AFTER_DAY_3 = (
    Field("death", "boolean", description="death at any time up to 1994"),
    number("slos", "d", None, None, "days from study entry to discharge"),
    number("d.time", "d", None, None, "days of follow-up"),
    number("charges", "", None, None, "hospital charges, US dollars"),
    number("totcst", "", None, None, "cost from charges, US dollars"),
    number("totmcst", "", None, None, "micro-cost, US dollars"),
    number("avtisst", "1", None, None, "mean TISS score, days 3 to 25"),
    number("surv2m", "1", None, None, "SUPPORT model's estimate of 2-month survival"),
    number("surv6m", "1", None, None, "SUPPORT model's estimate of 6-month survival"),
    number("prg2m", "1", None, None, "physician's estimate of 2-month survival"),
    number("prg6m", "1", None, None, "physician's estimate of 6-month survival"),
    category(
        "dnr",
        ("no dnr", "dnr after sadm", "dnr before sadm"),
        "order not to resuscitate, at any time of the stay",
    ),
    number("dnrday", "d", None, None, "day of that order, or of discharge where there was none"),
    category(
        "sfdm2",
        (
            "no(M2 and SIP pres)",
            "adl>=4 (>=5 if sur)",
            "SIP>=30",
            "Coma or Intub",
            "<2 mo. follow-up",
        ),
        "functional disability two months later",
    ),
    number("adlp", "1", None, None, "activities of daily living, told by the patient"),
    number("adls", "1", None, None, "activities of daily living, told by a surrogate"),
    number("adlsc", "1", None, None, "activities of daily living, imputed over both"),
    number(
        "sps",
        "1",
        None,
        None,
        "SUPPORT physiology score: another model's opinion of the same values",
    ),
    number(
        "aps",
        "1",
        None,
        None,
        "APACHE III physiology score: another model's opinion of the same values",
    ),
)


def load(settings: config.Support2) -> Cohort:
    """9,105 patients, 25.9 % of whom died in hospital.

    Raises:
        UserError: `recorded_after` names an unknown field.
    """
    schema = Schema("support2", "death in hospital", DAY_3 + AFTER_DAY_3)
    schema = declare_recorded_after(schema, settings.recorded_after)
    frame = pd.read_parquet(FILE)
    inputs, notes = coerce(frame, schema)
    # Race is there to audit the model by group. As an input it would stand for how care was given,
    # not for physiology.
    index = pd.DataFrame(
        {"age": frame["age"], "sex": as_text(frame["sex"]), "ethnicity": as_text(frame["race"])}
    )
    outcome = frame["hospdead"].to_numpy(dtype="int8")
    return Cohort(schema, inputs, outcome, index, SOURCE, notes, one_row_per_patient=True)
