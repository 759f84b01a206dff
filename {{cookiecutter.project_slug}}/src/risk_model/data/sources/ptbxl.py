"""PTB-XL: twelve leads, ten seconds, Germany 1984-2001.

Can a model tell a normal electrocardiogram from all others?

The outcome is that a cardiologist found anything but a normal tracing: a diagnostic superclass
other than NORM, or none. Sites and devices saw different patients, so the site alone says much
about the outcome. Wagner et al., Scientific Data 2020;7:154; Physikalisch-Technische Bundesanstalt,
PhysioNet, version 1.0.3.

Of the 21,799 records the first `data.records` are used, 500 at most, in the version at 100 Hz. They
come one file each from PhysioNet, so two digests are pinned in place of a thousand: SHA-256 of what
is used of the two tables (the columns USED of the first 500 rows, and the superclass of each
statement), and SHA-256 over the 500 records' files, each as its own SHA-256 and its name.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from risk_model.config.waveform import PtbXl
from risk_model.core.cohort import Cohort
from risk_model.core.errors import UserError
from risk_model.data.download import cache_directory, download
from risk_model.data.sources.recording_readings import read_all
from risk_model.data.sources.recordings import Listing, cohort_of, schema_of
from risk_model.data.sources.waveforms import signal_of
from risk_model.signals import waveform

URL = "https://physionet.org/files/ptb-xl/1.0.3"
SOURCE = (
    "PTB-XL 1.0.3, P. Wagner, N. Strodthoff, R.-D. Bousseljot, W. Samek, T. Schaeffter, CC BY 4.0"
)
FOLDER, TABLE, STATEMENTS = "ptbxl500", "ptbxl_database.csv", "scp_statements.csv"
MOST = 500
COLUMNS = (
    "ecg_id",
    "patient_id",
    "age",
    "sex",
    "site",
    "recording_date",
    "scp_codes",
    "filename_lr",
)
CLASSES = ("diagnostic", "diagnostic_class")
TABLE_DIGEST = "3bb6d15304e69c0d0a0fbadeefcc5e057ac78931a6c2432a06b30aa7c68682f4"
FILES_DIGEST = "4b16408d503aa14a6bb1e3cbf91b1dc6bd0f70b4a9530a13dd3ae6ad1f82c2c1"
CONNECTIONS = 4
OLDEST, AGE_OVER_89 = 90.0, 300.0  # whoever is older than 89 has the age 300 in the table


def load(settings: PtbXl) -> Cohort:
    """The first `settings.records` records, 42 % not normal.

    Raises:
        UserError: a file is not the one published.
    """
    if not 100 <= settings.records <= MOST:
        raise UserError(
            f"data.records={settings.records}: the files of 100 to {MOST} records can be verified"
        )
    folder = cache_directory(settings.cache) / FOLDER
    table = _table(folder)
    _records(folder, list(table["filename_lr"]))
    selection, signal = table.iloc[: settings.records].reset_index(drop=True), signal_of(settings)
    normal = (
        selection["scp_codes"].map(_superclasses(folder)).map(lambda classes: classes == {"NORM"})
    )
    outcome = (~normal.astype(bool)).to_numpy().astype(np.int8)
    entries = Listing(list(selection["filename_lr"]), outcome, _index(selection), ())
    readings = read_all(
        entries.recordings, lambda file: waveform.read(folder / file, signal), signal, 0
    )
    schema = schema_of("ptbxl", "not a normal electrocardiogram", signal)
    return cohort_of(entries, readings, schema, SOURCE, readings.notes())


def _index(table: pd.DataFrame) -> pd.DataFrame:
    age = table["age"].astype(float)
    site = table["site"].map(lambda number: None if pd.isna(number) else f"site {number:.0f}")
    return pd.DataFrame(
        {
            "subject_id": table["patient_id"].map(lambda number: f"{number:.0f}"),
            "prediction_time": pd.to_datetime(table["recording_date"]).dt.normalize(),
            "site": site.astype(object).where(site.notna(), None),
            "age": age.where(age != AGE_OVER_89, OLDEST),
            "sex": table["sex"].map({0: "M", 1: "F"}).astype(object),
        }
    )


def _superclasses(folder: Path) -> Callable[[str], set[str]]:
    """From the statements of a record to their diagnostic superclasses: NORM, MI, STTC, CD, HYP."""
    statements = pd.read_csv(folder / STATEMENTS, index_col=0)
    of_code = statements.loc[statements["diagnostic"] == 1, "diagnostic_class"].to_dict()
    return lambda codes: {of_code[code] for code in ast.literal_eval(codes) if code in of_code}


def _table(folder: Path) -> pd.DataFrame:
    """The first rows of the table, as published."""
    for name in (TABLE, STATEMENTS):
        if not (folder / name).exists():
            download(f"{URL}/{name}", folder / name)
    rows = pd.read_csv(folder / TABLE, dtype=str, keep_default_na=False, nrows=MOST)[list(COLUMNS)]
    classes = pd.read_csv(folder / STATEMENTS, dtype=str, keep_default_na=False, index_col=0)[
        list(CLASSES)
    ]
    content = rows.to_csv(index=False, lineterminator="\n") + classes.to_csv(lineterminator="\n")
    _verify(
        hashlib.sha256(content.encode()).hexdigest(),
        TABLE_DIGEST,
        folder,
        f"{TABLE} or {STATEMENTS}",
    )
    return pd.read_csv(folder / TABLE, nrows=MOST)


def _records(folder: Path, names: Sequence[str]) -> None:
    """Downloads the two files of every record where they are absent, and verifies all."""
    files = [f"{name}{suffix}" for name in names for suffix in (".dat", ".hea")]
    absent = [file for file in files if not (folder / file).exists()]
    if absent:
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            fetched = pool.map(lambda file: download(f"{URL}/{file}", folder / file), absent)
            for _ in tqdm(
                fetched, desc="PTB-XL", total=len(absent), unit=" files", disable=None, leave=False
            ):
                pass
    each = [
        f"{hashlib.sha256((folder / file).read_bytes()).hexdigest()}  {file}\n" for file in files
    ]
    _verify(
        hashlib.sha256("".join(each).encode()).hexdigest(),
        FILES_DIGEST,
        folder,
        "a file of the records",
    )


def _verify(digest: str, expected: str, folder: Path, what: str) -> None:
    if digest != expected:
        raise UserError(
            f"{folder}: {what} is not the one published (SHA-256 {digest[:12]}…, expected "
            f"{expected[:12]}…) and must "
            f"not be used; delete the folder, and run again to download it from {URL}"
        )
