"""UCI Heart Disease: does a coronary artery disease model travel?

920 patients in four hospitals, before angiography.

The hospitals differ in who was sent (prevalence .36 to .94) and in what was measured (`ca` and
`thal` hardly outside Cleveland), so a pooled figure flatters. Detrano et al., American Journal of
Cardiology 1989;64:304-310.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from risk_model import config
from risk_model.core.cohort import Cohort
from risk_model.core.schema import Field, Schema
from risk_model.data.sources.coerce import as_text, coerce, declare_recorded_after
from risk_model.data.sources.fields import category, number

FILE = Path(__file__).parent.parent / "embedded" / "heart_disease_uci.csv.gz"
SOURCE = (
    "UCI Heart Disease (UCI 45, doi:10.24432/C52P4X), A. Janosi, W. Steinbrunn, M. Pfisterer "
    "and R. Detrano, CC BY 4.0"
)

PAIN = ("typical angina", "atypical angina", "non-anginal", "asymptomatic")
ECG = ("normal", "st-t abnormality", "lv hypertrophy")

# No missing flags: whether `ca`, `thal` or `chol` was measured tells the hospital, not the heart.
FIELDS = (
    number("age", "a", 18, 110, "age", loinc="30525-0"),
    category("sex", ("Female", "Male"), "sex", loinc="46098-0"),
    category("cp", PAIN, "type of chest pain"),
    # 0 stands for "not measured" in the file: all of Switzerland's cholesterol, a quarter of VA's.
    number("trestbps", "mm[Hg]", 50, 300, "systolic pressure at rest", loinc="8480-6"),
    number("chol", "mg/dL", 40, 1000, "total cholesterol", loinc="2093-3"),
    Field("fbs", "boolean", description="fasting blood sugar above 120 mg/dL"),
    category("restecg", ECG, "electrocardiogram at rest"),
    number("thalch", "/min", 40, 250, "highest heart rate reached under exercise"),
    Field("exang", "boolean", description="angina under exercise"),
    number("oldpeak", "mm", -5, 10, "ST depression under exercise, against rest"),
    category("slope", ("upsloping", "flat", "downsloping"), "slope of the ST segment"),
    number("ca", "1", 0, 3, "major vessels coloured by fluoroscopy"),
    category("thal", ("normal", "fixed defect", "reversable defect"), "thallium scintigraphy"),
)


def load(settings: config.HeartDisease) -> Cohort:
    """920 patients, 55.3 % with an artery narrowed by more than half (`num` above 0).

    The site is the hospital.
    """
    schema = declare_recorded_after(
        Schema("heart_disease", "narrowing of a coronary artery by more than half", FIELDS),
        settings.recorded_after,
    )
    frame = pd.read_csv(FILE)
    inputs, notes = coerce(frame, schema)
    index = pd.DataFrame(
        {"site": frame["dataset"], "age": frame["age"].astype(float), "sex": as_text(frame["sex"])}
    )
    outcome = (frame["num"] > 0).to_numpy().astype(np.int8)
    return Cohort(schema, inputs, outcome, index, SOURCE, notes)
