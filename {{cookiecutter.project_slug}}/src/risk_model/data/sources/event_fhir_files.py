"""FHIR R4 files as rows of events: NDJSON, a resource a line, and Bundles, piece by piece.

However large a folder is, one line or one Bundle is in memory at a time. A broken line is counted,
never guessed.
"""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import IO, Any, cast

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from risk_model.core.errors import UserError
from risk_model.signals.events import Event
from risk_model.signals.events_fhir import FhirEvents, events_of
from risk_model.signals.events_fhir_references import bundle_content, source_of
from risk_model.signals.events_reasons import Reason

SUFFIXES = (".ndjson", ".jsonl", ".json", ".ndjson.gz", ".jsonl.gz", ".json.gz")
BATCH = 20_000  # events written together
SCHEMA = pa.schema(
    [
        ("subject_id", pa.string()),
        ("time", pa.int64()),
        ("code", pa.string()),
        ("numeric_value", pa.float64()),
        ("text_value", pa.string()),
        ("unit", pa.string()),
        ("known", pa.int64()),
        ("day_only", pa.bool_()),
        ("row", pa.int64()),
        ("source", pa.string()),
        ("version", pa.int64()),
    ]
)


class FhirFiles:
    """The events of a list of files, and what was left out of them by reason."""

    def __init__(self, paths: Sequence[Path], zone: tzinfo | None) -> None:
        self.paths, self.zone = paths, zone
        self.left_out: Counter[Reason] = Counter()
        self.comparators = self.resources = self.row = 0
        self.servers: set[str] = set()

    def write(self, path: Path) -> None:
        """Writes the events as Parquet, with the resource that each is from and its place.

        Raises:
            UserError: a file cannot be unpacked, or the references name several servers, whose
                patients of one number are different people.
        """
        with pq.ParquetWriter(path, SCHEMA, compression="zstd") as writer:
            rows: list[tuple[object, ...]] = []
            for file in self.paths:
                for source, answer in self._answers(file):
                    rows += [(*event, source, self.resources) for event in self._count(answer)]
                    if len(rows) >= BATCH:
                        writer.write_batch(_batch(rows))
                        rows = []
            if rows:
                writer.write_batch(_batch(rows))
        if len(self.servers) > 1:
            raise UserError(
                f"data.path: the references name patients of {len(self.servers)} servers; export "
                "those of one"
            )

    def _count(self, answer: FhirEvents) -> list[Event]:
        self.left_out.update(answer.left_out)
        self.comparators += answer.comparators
        self.resources += 1
        self.row += answer.results
        if answer.server:
            self.servers.add(answer.server)
        return answer.events

    def _answers(self, path: Path) -> Iterator[tuple[str | None, FhirEvents]]:
        try:
            with _opened(path) as file:
                document = _document(file, path)
                if document is not None:
                    yield from self._resources(document)
                    return
                for line in file:
                    if line.strip():
                        yield from self._line(line)
        except (OSError, EOFError):
            raise UserError(f"{path}: cannot be read or unpacked; was it copied whole?") from None

    def _line(self, line: bytes) -> Iterator[tuple[str | None, FhirEvents]]:
        try:
            resource = orjson.loads(line)
        except orjson.JSONDecodeError:
            yield None, FhirEvents([], [Reason.NOT_JSON], 0)
        else:
            yield from self._resources(resource)

    def _resources(self, read: Any) -> Iterator[tuple[str | None, FhirEvents]]:
        """The answers to a resource, or to each of a Bundle."""
        if not isinstance(read, dict) or read.get("resourceType") != "Bundle":
            yield source_of(read), events_of(read, self.row, self.zone)
            return
        content = bundle_content(read)
        for resource in content.resources:
            answer = events_of(resource, self.row, self.zone, content.patients)
            yield source_of(resource), answer


def fhir_files(path: Path) -> list[Path]:
    """The FHIR files of a folder in the order of their names, or the one file."""
    if path.is_file():
        return [path]
    return sorted(file for file in path.rglob("*") if file.name.lower().endswith(SUFFIXES))


def _opened(path: Path) -> IO[bytes]:
    opening: Callable[..., Any] = gzip.open if path.name.lower().endswith(".gz") else open
    return cast(IO[bytes], opening(path, "rb"))


def _document(file: IO[bytes], path: Path) -> Any:
    """What a file is that holds one JSON value over several lines; None for a resource a line."""
    first = file.readline()
    file.seek(0)
    if ".json" not in path.name.lower() or path.name.lower().endswith((".jsonl", ".jsonl.gz")):
        return None
    try:
        orjson.loads(first)
    except orjson.JSONDecodeError:
        pass
    else:
        return None
    try:
        return orjson.loads(file.read())
    except orjson.JSONDecodeError:
        file.seek(0)
        return None


def _batch(rows: list[tuple[object, ...]]) -> pa.RecordBatch:
    columns = zip(*rows, strict=True)
    arrays = [pa.array(c, field.type) for c, field in zip(columns, SCHEMA, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)
