"""The settings that a table of recordings has beside those of a table."""

from __future__ import annotations

from dataclasses import dataclass

from risk_model.config.sources import Table


@dataclass
class Recordings(Table):
    """Anybody's images, waveforms or notes: a table with a row a recording.

    Each row has an outcome, a patient and a file.
    """

    file: str = "file"  # the column that names each recording's file, beside the table or below it
    # so many recordings that cannot be read are left out and reported; one more stops the run
    set_aside: int = 0
    held_out_period: float = 0.0
