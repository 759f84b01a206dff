"""How fast, and in how much memory, are FHIR resources read into an events table?

Made-up NDJSON of two sizes, each read in a process of its own. Targets: 50,000 resources a second
of processor time, 300 MB at both sizes, every broken line counted.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from risk_model.data.sources.event_fhir_files import FhirFiles
from risk_model.signals.events_reasons import Reason

SIZES = 100_000, 1_000_000
BROKEN = 10_000  # one line in so many is cut short
LINE = (
    '{{"resourceType": "Observation", "id": "{i}", "status": "final", "category": [{{"coding": '
    '[{{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": '
    '"vital-signs", "display": "vital-signs"}}]}}], "code": {{"coding": [{{"system": '
    '"http://loinc.org", "code": "8302-2", "display": "Body Height"}}], "text": "Body Height"}}, '
    '"subject": {{"reference": "Patient/{subject}"}}, "encounter": {{"reference": "E/{i}"}}, '
    '"effectiveDateTime": "20{year}-10-26T04:14:01+00:00", "issued": '
    '"20{year}-10-26T04:14:01.672+00:00", "valueQuantity": {{"value": {value}, "unit": "cm", '
    '"system": "http://unitsofmeasure.org", "code": "cm"}}}}'
)


def write(path: Path, n: int) -> None:
    """Writes so many lines, some of them cut short."""
    with path.open("w", encoding="utf-8") as file:
        for i in range(n):
            line = LINE.format(i=i, subject=i % 5_000, year=10 + i % 15, value=150 + i % 400 / 10)
            file.write(line[: len(line) // 2] if i % BROKEN == 0 else line)
            file.write("\n")


def read(path: Path) -> None:
    """Reads a file in this process and prints speed, memory and the broken lines."""
    files = FhirFiles([path], None)
    start = time.process_time()
    files.write(path.with_suffix(".parquet"))
    seconds = time.process_time() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(
        f"{files.resources:,} resources: {files.resources / seconds:,.0f} a second of processor "
        f"time (target 50,000), {memory:.0f} MB (target 300), {files.left_out[Reason.NOT_JSON]:,} "
        f"broken lines counted of {-(-files.resources // BROKEN):,}"
    )


def main() -> None:
    """Prints a line for each size."""
    if len(sys.argv) > 1:
        read(Path(sys.argv[1]))
        return
    for n in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "Observation.ndjson"
            write(path, n)
            subprocess.run([sys.executable, __file__, str(path)], check=True)


if __name__ == "__main__":
    main()
