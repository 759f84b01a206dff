"""What the service would make of another hospital's rows, said before a package is judged on them.

A model may rank those well whom it would never be asked about.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from risk_model.core.package import ModelPackage
from risk_model.core.schema import encode
from risk_model.data.sources.coerce import refusals, refused_rows


def answered_rows(package: ModelPackage, inputs: pd.DataFrame) -> Iterator[str]:
    """How many of these rows the service would refuse, or answer with a warning."""
    check, rows = package.input_check, f"of {len(inputs):,} rows"
    few, remarks = check.of_rows(encode(inputs, package.schema))
    nobody = np.zeros(len(inputs), dtype=bool)
    wrong = np.logical_or.reduce([nobody, *refused_rows(inputs, package.schema).values()])
    unusual = np.logical_or.reduce([nobody, *remarks.values()])
    by_policy = (few | unusual if check.policy.unusual == "refuse" else few) & ~wrong
    messages = [note.message for note in refusals(inputs, package.schema, schema_given=False)]
    if by_policy.any():
        messages.append(f"its input policy would refuse {by_policy.sum():,} {rows}")
    yield from messages or [f"the service would answer for all {len(inputs):,} rows"]
    if warned := int((unusual & ~wrong & ~by_policy).sum()):
        yield f"it would answer for {warned:,} {rows} with a warning: unlike those of training"
