"""MTS-Dialog: what is this conversation about?

1,701 doctor-patient dialogues, each with its section of the note.

The outcome is a dialogue about family or social history (FAM/SOCHX) rather than any other section.
It is no prediction about a patient but a real task on real words. The two published test sets are
an external cohort. Ben Abacha, Yim, Fan and Lin, EACL 2023.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from risk_model.config.text import MtsDialog
from risk_model.core.cohort import Cohort
from risk_model.data.download import cache_directory, fetch
from risk_model.data.sources.notes import signal_of
from risk_model.data.sources.recording_readings import read_all
from risk_model.data.sources.recordings import Listing, cohort_of, schema_of
from risk_model.signals import text

URL = "https://raw.githubusercontent.com/abachaa/MTS-Dialog/main/Main-Dataset/"
PUBLISHED = "published test"
FILES = {  # name: SHA-256 and the part that its authors meant it for
    "MTS-Dialog-TrainingSet.csv": (
        "65a28681dd59fc159681ea026e44610f2af7bc64a0e7f892d763eb03d9f503dc",
        None,
    ),
    "MTS-Dialog-ValidationSet.csv": (
        "227206520c4534381c0d7fba6d3f09319a9af5a6d9603a93c0341af1198e3958",
        None,
    ),
    "MTS-Dialog-TestSet-1-MEDIQA-Chat-2023.csv": (
        "b4d38dd2c99b2e9860099abcf653f1e0f3e9b69f9fcc45be2a2699b37a4d2f37",
        PUBLISHED,
    ),
    "MTS-Dialog-TestSet-2-MEDIQA-Sum-2023.csv": (
        "226644466ed3af82382b327a3e684aab70aa605b96cfd93b04f584f1826ab1a6",
        PUBLISHED,
    ),
}
SECTION = "FAM/SOCHX"
SOURCE = (
    "MTS-Dialog (github.com/abachaa/MTS-Dialog), A. Ben Abacha, W. Yim, Y. Fan and T. Lin, "
    "EACL 2023, CC BY 4.0"
)


def load(settings: MtsDialog) -> Cohort:
    """1,701 dialogues, 29 % of them about family or social history.

    The test sets stand in a part of their own.
    """
    signal, frames = signal_of(settings), []
    for name, (sha256, part) in FILES.items():
        path = fetch(URL + name, sha256, cache_directory(settings.cache) / "mtsdialog" / name)
        frames.append(pd.read_csv(path, keep_default_na=False).assign(part=part))
    table = pd.concat(frames, ignore_index=True)
    dialogues = table["dialogue"].tolist()
    readings = read_all(dialogues, lambda dialogue: text.reading(dialogue, signal), signal, 0)
    outcome = (table["section_header"] == SECTION).to_numpy().astype(np.int8)
    index = pd.DataFrame({"part": table["part"].astype(object).where(table["part"].notna(), None)})
    entries = Listing(dialogues, outcome, index, ())
    schema = schema_of("mtsdialog", "talk about family or social history", signal)
    return cohort_of(entries, readings, schema, SOURCE, readings.notes())
