"""Diabetes 130-US hospitals: who comes back within 30 days?

101,766 hospital stays of people with diabetes, 130 US hospitals, 1999-2008.

The prediction moment is the discharge. Strack et al., BioMed Research International 2014, 781670,
whose groups of ICD-9 codes are used. The file is downloaded: see `FILE` and `URL`.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pandas as pd

from risk_model.config.downloaded import Diabetes130
from risk_model.core.cohort import Cohort
from risk_model.core.findings import Finding
from risk_model.core.schema import Field, Schema
from risk_model.data.download import cache_directory, fetch
from risk_model.data.sources.coerce import as_text, coerce, declare_recorded_after
from risk_model.data.sources.fields import category, number

FILE = Path("diabetes130") / "dataset_diabetes.zip"
URL = "https://archive.ics.uci.edu/ml/machine-learning-databases/00296/dataset_diabetes.zip"
SHA256 = "2cc570fc34b09ba1169d94b68c27ce3802dce7dc4ab6082bed833a6c195507a5"
MEMBER = "dataset_diabetes/diabetic_data.csv"
SOURCE = (
    "Diabetes 130-US hospitals (UCI 296, doi:10.24432/C5230J), J. Clore, K. Cios, J. DeShazo "
    "and B. Strack, CC BY 4.0"
)

NOT_AT_RISK = (11, 13, 14, 19, 20, 21)  # discharge codes of death and hospice: nobody comes back
# any other code: not recorded
ADMISSION = {1: "emergency", 2: "urgent", 3: "elective", 4: "newborn", 7: "trauma"}
DISCHARGE = {
    **dict.fromkeys((1,), "home"),
    **dict.fromkeys((6, 8), "home with care"),
    **dict.fromkeys((2, 10, 29), "other hospital"),
    **dict.fromkeys((3, 4, 15, 24), "nursing facility"),
    **dict.fromkeys((22, 23), "rehabilitation or long-term care"),
    **dict.fromkeys((7,), "against advice"),
    **dict.fromkeys((28,), "psychiatric"),
    **dict.fromkeys((5, 9, 12, 16, 17, 27, 30), "other"),
}
ADMITTED_FROM = {
    **dict.fromkeys((1, 2, 3), "referral"),
    **dict.fromkeys((7,), "emergency room"),
    **dict.fromkeys((4, 5, 6, 10, 18, 19, 22, 25, 26), "transfer"),
    **dict.fromkeys((8, 11, 12, 13, 14, 23, 24), "other"),
}
CHAPTERS = {  # first and last ICD-9 code, both included; what is in none is "other"
    "circulatory": ((390, 459), (785, 785)),
    "respiratory": ((460, 519), (786, 786)),
    "digestive": ((520, 579), (787, 787)),
    "diabetes": ((250, 250),),
    "injury": ((800, 999),),
    "musculoskeletal": ((710, 739),),
    "genitourinary": ((580, 629), (788, 788)),
    "neoplasms": ((140, 239),),
}
SPECIALTIES = (
    "Cardiology",
    "Emergency/Trauma",
    "Family/GeneralPractice",
    "Gastroenterology",
    "InternalMedicine",
    "Nephrology",
    "ObstetricsandGynecology",
    "Orthopedics",
    "Orthopedics-Reconstructive",
    "Psychiatry",
    "Pulmonology",
    "Radiologist",
    "Surgery-Cardiovascular/Thoracic",
    "Surgery-General",
    "Urology",
)
# The other fifteen drugs of the file were given in fewer than one stay of 100.
DRUGS = (
    "insulin metformin glipizide glyburide pioglitazone rosiglitazone glimepiride repaglinide"
).split()
DOSE = ("No", "Steady", "Up", "Down")

COUNTS = {
    "time_in_hospital": ("d", 1, 60, "length of this stay"),
    "num_lab_procedures": ("1", 0, 300, "laboratory tests during the stay"),
    "num_procedures": ("1", 0, 30, "other procedures during the stay"),
    "num_medications": ("1", 0, 200, "medications during the stay"),
    "number_outpatient": ("1", 0, 200, "outpatient visits in the year before"),
    "number_emergency": ("1", 0, 200, "emergency visits in the year before"),
    "number_inpatient": ("1", 0, 100, "inpatient stays in the year before"),
    "number_diagnoses": ("1", 0, 50, "diagnoses entered"),
}
# Not here: race (for the audit by group), weight (97 % missing), payer (it stands for income, not
# for illness).
FIELDS = (
    number("age", "a", 0, 120, "age, the middle of ten years", loinc="30525-0"),
    category("gender", ("Female", "Male"), "sex", loinc="46098-0"),
    category("admission_type", ADMISSION.values(), "type of admission"),
    category("admitted_from", dict.fromkeys(ADMITTED_FROM.values()), "source"),
    category("discharged_to", dict.fromkeys(DISCHARGE.values()), "destination"),
    *(number(n, unit, low, high, said) for n, (unit, low, high, said) in COUNTS.items()),
    category("medical_specialty", SPECIALTIES, "who admitted", missing_flag=True),
    *(
        category(f"diag_{i}", (*CHAPTERS, "other"), f"diagnosis {i}, ICD-9 chapter")
        for i in (1, 2, 3)
    ),
    # "None" is a value: the test was not done.
    category("max_glu_serum", ("None", "Norm", ">200", ">300"), "highest glucose, mg/dL"),
    category("A1Cresult", ("None", "Norm", ">7", ">8"), "haemoglobin A1c, %"),
    *(category(drug, DOSE, "dose given, and its change") for drug in DRUGS),
    Field("change", "boolean", description="diabetes medication was changed"),
    Field("diabetesMed", "boolean", description="any diabetes medication"),
)


def load(settings: Diabetes130) -> Cohort:
    """99,343 stays, 11.4 % of them followed by another within 30 days.

    Patients repeat, and no date is recorded.

    Downloads 3 MB on first use. UserError when that fails: see `download.fetch`.
    """
    schema = declare_recorded_after(
        Schema("diabetes130", "readmitted within 30 days", FIELDS), settings.recorded_after
    )
    every = _read(fetch(URL, SHA256, cache_directory(settings.cache) / FILE))
    frame = every[~every["discharge_disposition_id"].isin(NOT_AT_RISK)].reset_index(drop=True)
    columns = _columns(frame)
    inputs, notes = coerce(columns, schema)
    index = pd.DataFrame(
        {
            "subject_id": frame["patient_nbr"].astype(str).astype(object),
            "age": columns["age"],
            "sex": as_text(columns["gender"]),
            "ethnicity": as_text(frame["race"]),
        }
    )
    outcome = (frame["readmitted"] == "<30").to_numpy().astype(np.int8)
    return Cohort(
        schema, inputs, outcome, index, SOURCE, (_left_out(len(every) - len(frame)), *notes)
    )


def _read(path: Path) -> pd.DataFrame:
    with zipfile.ZipFile(path) as archive, archive.open(MEMBER) as file:
        return pd.read_csv(file, na_values=["?"], keep_default_na=False, low_memory=False)


def _columns(frame: pd.DataFrame) -> pd.DataFrame:
    """The file's columns with codes in words, ages as numbers, diagnoses by chapter."""
    decades = frame["age"].str.extract(r"\[(\d+)-(\d+)\)").astype(float)
    return frame.assign(
        age=decades.mean(axis=1),
        gender=frame["gender"].where(frame["gender"].isin(("Female", "Male"))),
        admission_type=frame["admission_type_id"].map(ADMISSION),
        admitted_from=frame["admission_source_id"].map(ADMITTED_FROM),
        discharged_to=frame["discharge_disposition_id"].map(DISCHARGE),
        change=frame["change"].map({"Ch": 1.0, "No": 0.0}),
        diabetesMed=frame["diabetesMed"].map({"Yes": 1.0, "No": 0.0}),
        **{name: chapters(frame[name]) for name in ("diag_1", "diag_2", "diag_3")},
    )


def chapters(codes: pd.Series) -> pd.Series:
    """The chapter of each ICD-9 code; E and V codes are "other", and missing stays missing.

    >>> chapters(pd.Series(["250.83", "V57", "428", None])).tolist()
    ['diabetes', 'other', 'circulatory', None]
    """
    number = np.floor(pd.to_numeric(codes, errors="coerce"))
    named = pd.Series("other", index=codes.index, dtype=object)
    for chapter, spans in CHAPTERS.items():
        for first, last in spans:
            named[number.between(first, last)] = chapter
    return named.where(codes.notna(), None)


def _left_out(count: int) -> Finding:
    message = (
        f"{count:,} stays that ended in death or hospice were left out: nobody comes back from them"
    )
    return Finding("note", "rows left out", "discharge_disposition_id", message)
