"""Which patients die in hospital? SUPPORT2: 9,105 critically ill adults in five US hospitals,
1989-94.

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
from risk_model.data.sources.coerce import as_text, conform, declare_recorded_after

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
KNOWN = (
    Field("age", "number", "a", 18, 110, code="LOINC|30525-0", description="age"),
    Field(
        "sex", "category", categories=("female", "male"), code="LOINC|46098-0", description="sex"
    ),
    Field(
        "dzgroup",
        "category",
        categories=DISEASES,
        description="disease that qualified for the study",
    ),
    Field("num.co", "number", "1", 0, 20, description="number of comorbidities"),
    Field("diabetes", "boolean", description="diabetes among the comorbidities"),
    Field("dementia", "boolean", description="dementia among the comorbidities"),
    Field("ca", "category", categories=("no", "yes", "metastatic"), description="cancer"),
    Field(
        "hday",
        "number",
        "d",
        1,
        1000,
        description="day in hospital at which the patient entered the study",
    ),
    Field(
        "scoma",
        "number",
        "1",
        0,
        100,
        description="SUPPORT coma score, from the Glasgow scale; 100 is deepest",
    ),
    # 0 beats or breaths a minute is a cardiac or respiratory arrest on that day: real, and 37-40 %
    # lived.
    Field(
        "meanbp",
        "number",
        "mm[Hg]",
        0,
        250,
        code="LOINC|8478-0",
        description="mean arterial pressure, day 3",
    ),
    Field("hrt", "number", "/min", 0, 350, code="LOINC|8867-4", description="heart rate, day 3"),
    Field(
        "resp", "number", "/min", 0, 120, code="LOINC|9279-1", description="respiratory rate, day 3"
    ),
    Field(
        "temp", "number", "Cel", 25, 45, code="LOINC|8310-5", description="body temperature, day 3"
    ),
    # A test not ordered is news (death .17 without a blood gas, .29 with it); ph is missing where
    # pafi is.
    Field("pafi", "number", "mm[Hg]", 10, 1000, missing_flag=True, description="PaO2/FiO2, day 3"),
    Field("ph", "number", "[pH]", 6.5, 8, code="LOINC|2744-1", description="arterial pH, day 3"),
    Field(
        "wblc",
        "number",
        "10*3/uL",
        0,
        500,
        missing_flag=True,
        code="LOINC|26464-8",
        description="leukocytes, day 3",
    ),
    Field("alb", "number", "g/dL", 0.3, 8, code="LOINC|1751-7", description="serum albumin, day 3"),
    Field(
        "bili",
        "number",
        "mg/dL",
        0,
        100,
        missing_flag=True,
        code="LOINC|1975-2",
        description="bilirubin, day 3",
    ),
    Field(
        "crea", "number", "mg/dL", 0, 50, code="LOINC|2160-0", description="serum creatinine, day 3"
    ),
    Field(
        "sod", "number", "mmol/L", 90, 200, code="LOINC|2951-2", description="serum sodium, day 3"
    ),
    Field(
        "glucose",
        "number",
        "mg/dL",
        5,
        2000,
        code="LOINC|2345-7",
        description="serum glucose, day 3",
    ),
    Field(
        "bun",
        "number",
        "mg/dL",
        0,
        400,
        code="LOINC|3094-0",
        description="blood urea nitrogen, day 3",
    ),
    Field(
        "urine", "number", "mL/d", 0, 20000, code="LOINC|9192-6", description="urine output, day 3"
    ),
)

# Declared `recorded_after` in the configuration. They stand here so that the leakage check can be
# seen to find them.
LATER = (
    Field("death", "boolean", description="death at any time up to 1994"),
    Field("slos", "number", "d", description="days from study entry to discharge"),
    Field("d.time", "number", "d", description="days of follow-up"),
    Field("charges", "number", description="hospital charges, US dollars"),
    Field("totcst", "number", description="cost from charges, US dollars"),
    Field("totmcst", "number", description="micro-cost, US dollars"),
    Field("avtisst", "number", "1", description="mean TISS score, days 3 to 25"),
    Field("surv2m", "number", "1", description="SUPPORT model's estimate of 2-month survival"),
    Field("surv6m", "number", "1", description="SUPPORT model's estimate of 6-month survival"),
    Field("prg2m", "number", "1", description="physician's estimate of 2-month survival"),
    Field("prg6m", "number", "1", description="physician's estimate of 6-month survival"),
    Field(
        "dnr",
        "category",
        categories=("no dnr", "dnr after sadm", "dnr before sadm"),
        description="order not to resuscitate, at any time of the stay",
    ),
    Field(
        "dnrday",
        "number",
        "d",
        description="day of that order, or of discharge where there was none",
    ),
    Field(
        "sfdm2",
        "category",
        categories=(
            "no(M2 and SIP pres)",
            "adl>=4 (>=5 if sur)",
            "SIP>=30",
            "Coma or Intub",
            "<2 mo. follow-up",
        ),
        description="functional disability two months later",
    ),
    Field("adlp", "number", "1", description="activities of daily living, told by the patient"),
    Field("adls", "number", "1", description="activities of daily living, told by a surrogate"),
    Field("adlsc", "number", "1", description="activities of daily living, imputed over both"),
    Field(
        "sps",
        "number",
        "1",
        description="SUPPORT physiology score: another model's opinion of the same values",
    ),
    Field(
        "aps",
        "number",
        "1",
        description="APACHE III physiology score: another model's opinion of the same values",
    ),
)


def load(settings: config.Support2) -> Cohort:
    """9,105 patients, 25.9 % of whom died in hospital; UserError for an unknown name in
    `recorded_after`.
    """
    schema = Schema("support2", "death in hospital", KNOWN + LATER)
    schema = declare_recorded_after(schema, settings.recorded_after)
    frame = pd.read_parquet(FILE)
    inputs, notes = conform(frame, schema)
    # Race is there to audit the model by group. As an input it would stand for how care was given,
    # not for physiology.
    index = pd.DataFrame(
        {"age": frame["age"], "sex": as_text(frame["sex"]), "ethnicity": as_text(frame["race"])}
    )
    outcome = frame["hospdead"].to_numpy(dtype="int8")
    return Cohort(schema, inputs, outcome, index, SOURCE, notes)
