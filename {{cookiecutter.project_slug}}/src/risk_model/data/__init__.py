"""The data layer: where the patients come from, and whether the data may be learned from."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from risk_model.core.errors import UserError

if TYPE_CHECKING:
    from risk_model import config
    from risk_model.core.cohort import Cohort


def load(settings: config.Data) -> Cohort:
    """The cohort that `data=<name>` asks for, from a module in `sources`.

    Args:
        settings: The settings of a source; its name and, where they differ, its module.

    Raises:
        UserError: the name is unknown, or the source finds something wrong; with the remedy.
    """
    from risk_model.config import SOURCES  # serving must not need it
    from risk_model.data.existing_scores import with_scores

    if settings.name not in SOURCES:
        raise UserError(
            f"data.name: there is no source {settings.name!r}; use {', '.join(SOURCES)}"
        )

    source = import_module(f"{__name__}.sources.{settings.module or settings.name}")
    cohort: Cohort = source.load(settings)
    return with_scores(cohort, settings.compare_with)
