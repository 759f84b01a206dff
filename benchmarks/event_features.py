"""How long do the columns of many events take, how much memory, and how long one request?

Made-up events: each subject has a hundred of 35 codes within two days. Targets: 10 million events
to 100,000 rows x 560 columns within 6 CPU seconds and 800 MB; at most 2.3 times the CPU seconds
for twice the events, up to 40 million; a request of 500 events within 3 ms at the median. Each size
runs in a process of its own, so that memory is its own.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import duckdb
import numpy as np

from risk_model.data.sources.event_features import window_rows
from risk_model.data.sources.event_moments import connect, possible_moments
from risk_model.signals.event_row import rows_of
from risk_model.signals.event_spec import HOUR, TAKES, Spec
from risk_model.signals.event_spec_reading import spec_from_json
from risk_model.signals.events import Event

CODES, EACH, STEP = 35, 100, 1_700  # seconds between a subject's events
SUBJECTS = (50_000, 100_000, 200_000, 400_000)
SECONDS, MEGABYTES, DOUBLING, REQUEST_MS = 6.0, 800, 2.3, 3.0


def spec() -> Spec:
    """All takes of 35 codes in two windows: 560 columns."""
    measured = {f"measurement {i}": {"code": f"LOINC/{i}"} for i in range(CODES)}
    return spec_from_json(
        {
            "index": {"event": "LOINC/0", "plus": "48h", "which": "first"},
            "outcome": {"event": "MEDS_DEATH", "horizon": "30d", "not_followed": "no event"},
            "features": {"windows": ["60h", "12h"], "take": list(TAKES), "measured": measured},
        }
    )


def write_events(path: Path, subjects: int) -> None:
    """The events of so many subjects, in the order of a hospital's table: by time, not subject."""
    # the first of each subject is the index event
    code = f"case when j = 0 then 0 else hash(i * 1009 + j) % {CODES} end"
    duckdb.sql(
        f"""copy (select 's' || i as subject_id,
        make_timestamp(1700000000000000 + j * {STEP * 1_000_000}) as time,
        'LOINC/' || ({code}) as code, (hash(j * 7919 + i) % 1000)::float as numeric_value,
        null::varchar as text_value, '' as unit, time as known, false as day_only,
        i * {EACH} + j as row
        from range({EACH}) t(j), range({subjects}) s(i)) to '{path}' (format parquet)"""  # noqa: S608
    )


def one_size(path: Path) -> None:
    """Prints CPU seconds, peak memory and shape of one table."""
    page = spec()
    con = connect(path)
    assert page.index  # noqa: S101 above
    moments = possible_moments(con, page.index)
    start = time.process_time()
    rows = window_rows(con, page, moments)
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(seconds, peak, *rows.shape)


def request_ms(page: Spec, events: int = 500, turns: int = 200) -> float:
    """The median milliseconds of one request."""
    rng = np.random.default_rng(0)
    sent = [
        Event("a", time, f"LOINC/{code}", float(value), None, "", time, False, row)
        for row, (time, code, value) in enumerate(
            zip(
                np.sort(rng.integers(0, 48 * HOUR, events)).tolist(),
                (0, *rng.integers(0, CODES, events - 1).tolist()),
                rng.normal(80, 9, events),
                strict=True,
            )
        )
    ]
    taken = []
    for _ in range(turns):
        start = time.perf_counter()
        rows_of(page, sent, 96 * HOUR)
        taken.append(time.perf_counter() - start)
    return 1_000 * median(taken)


def main() -> None:
    """Prints a line for each size, for each doubling, and for a request."""
    print(f"request of 500 events: {request_ms(spec()):.2f} ms (target {REQUEST_MS:g})")
    before = 0.0
    for subjects in SUBJECTS:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "events.parquet"
            write_events(path, subjects)
            command = [sys.executable, __file__, str(path)]
            found = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        seconds, peak, n, width = map(float, found.split())
        ratio = f", {seconds / before:.2f}x (target {DOUBLING:g})" if before else ""
        target = f" (targets {SECONDS:g}, {MEGABYTES})" if subjects == 100_000 else ""
        print(
            f"{subjects * EACH:,} events to {n:,.0f} x {width:.0f}: {seconds:.1f} CPU s, "
            f"{peak:,.0f} MB{target}{ratio}",
            flush=True,
        )
        before = seconds


if __name__ == "__main__":
    one_size(Path(sys.argv[1])) if len(sys.argv) > 1 else main()
