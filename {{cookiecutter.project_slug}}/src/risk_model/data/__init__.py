"""Where do the patients come from, and may this data be learned from at all?"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from risk_model import config
from risk_model.core.errors import UserError

if TYPE_CHECKING:
    from risk_model.core.cohort import Cohort


def load(settings: config.Data) -> Cohort:
    """The cohort that `data=<name>` asks for, from the module in `sources` that its settings name.

    Raises UserError, with the remedy, for an unknown name and for whatever the source finds wrong.
    """
    if settings.name not in config.SOURCES:
        raise UserError(
            f"data.name: there is no source {settings.name!r}; use {', '.join(config.SOURCES)}"
        )
    cohort: Cohort = import_module(f"{__name__}.sources.{settings.module or settings.name}").load(
        settings
    )
    return cohort
