"""What stands apart from the development: published parts, whole sites, the last period."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from risk_model import config
from risk_model.core.cohort import Codes, Cohort
from risk_model.core.errors import UserError

DEVELOPED, LAST_PERIOD = "development", "last period"
# events, and non-events: the least for an external validation (Vergouwe 2005, Collins 2016)
EXTERNAL_EVENTS = 100
EXTERNAL_SHARE = 0.25  # of the rows: more would cost the development too much


def row_blocks(cohort: Cohort, data: config.Data) -> tuple[list[str], Codes]:
    """The blocks in their order, and the one that each row belongs to by itself: str, int64[n].

    UserError for an unknown site and for a share that makes no sense.
    """
    sites = _held_out_sites(cohort, data.held_out_sites)
    published = sorted(set(cohort.index["part"].dropna())) if cohort.recorded("part") else []
    external = len(published) + len(sites)
    code = np.full(len(cohort), external, dtype=np.int64)
    code[_in_last_period(cohort, data.held_out_period)] = external + 1
    for i, site in enumerate(sites, start=len(published)):
        code[(cohort.index["site"].astype(str) == site).to_numpy()] = i
    for i, part in enumerate(published):
        code[(cohort.index["part"] == part).to_numpy()] = i
    return [*published, *(f"site: {site}" for site in sites), DEVELOPED, LAST_PERIOD], code


def _held_out_sites(cohort: Cohort, setting: list[str]) -> list[str]:
    if not cohort.recorded("site"):
        if setting in ([], ["auto"]):
            return []
        raise UserError(
            "data.held_out_sites: this cohort records no site; use 'data.held_out_sites=[]'"
        )
    if setting == ["auto"]:
        return _site_to_hold_out(cohort)
    sites = sorted(cohort.index["site"].dropna().astype(str).unique())
    unknown = [site for site in setting if site not in sites]
    if unknown:
        raise UserError(
            f"data.held_out_sites: no site is called {', '.join(unknown)}; the sites are "
            f"{', '.join(sites)}"
        )
    return list(dict.fromkeys(setting))


def _site_to_hold_out(cohort: Cohort) -> list[str]:
    """The site with most of the rarer class, of those neither too large nor too small.

    None of fewer than three sites.
    """
    table = pd.crosstab(cohort.index["site"].astype("string"), cohort.labels).reindex(
        columns=[0, 1], fill_value=0
    )
    rarer = table.min(axis=1)[
        (table.sum(axis=1) <= EXTERNAL_SHARE * len(cohort)).to_numpy()
    ].sort_index()
    enough = rarer[rarer >= EXTERNAL_EVENTS]
    return [str(enough.idxmax())] if len(table) >= 3 and len(enough) else []


def _in_last_period(cohort: Cohort, share: float) -> npt.NDArray[np.bool_]:
    """Rows in the last `share` of the calendar, cut between two dates."""
    if not cohort.recorded("prediction_time") or share == 0:
        return np.zeros(len(cohort), dtype=bool)
    if not 0 < share < 1:
        raise UserError(f"data.held_out_period={share:g}: must lie between 0 and 1; use 0 for none")
    time = cohort.index["prediction_time"]
    boundary = time.quantile(1 - share, interpolation="lower")
    later = (time > boundary).to_numpy()
    if later.any() or time.nunique() < 2:
        return later
    # dates as coarse as years: the last one, unless it is most of the cohort
    last = (time == boundary).to_numpy()
    return last if last.mean() <= 2 * share else later
