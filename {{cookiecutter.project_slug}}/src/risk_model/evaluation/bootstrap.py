"""The bootstrap: it draws patients, not rows, and the same patients for every model.

How sure is each number? One resample draws as many subjects as there are, with replacement; a row
counts as often as its subject was drawn. The rows are sorted by risk once, so that each resample is
a single pass: AUROC, average precision, Brier score, log loss and net benefit come out exact, ties
included. Calibration slope and calibration-in-the-large are fitted to at most BINS bins of
neighbouring risks, each at its mean log odds (exact where there are no more rows than bins).
Percentile intervals: Efron and Tibshirani 1993, chapter 13; whole clusters: Field and Welsh, JRSS B
2007.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from risk_model.core.estimate import Estimate
from risk_model.core.scores import NAN, Floats, Outcomes, logit, row_log_loss
from risk_model.evaluation.loess import Loess
from risk_model.evaluation.recalibration import recalibration

BINS = 512
CHUNK = 16  # resamples whose sums are held at once: more would leave the processor's cache
LEVEL = 0.95
Whole = npt.NDArray[np.int64]
Counts = npt.NDArray[np.uint8]  # the chance that a subject is drawn over 255 times is below 1e-500
Statistics = dict[str, Floats]
EMPTY = np.empty(0)


def interval(estimate: float, draws: Floats) -> Estimate:
    """The estimate with the middle 95 % of its draws [r], undefined ones left out.

    Without bounds when half of the draws or more, or the estimate itself, are undefined.
    """
    finite = draws[np.isfinite(draws)]
    if len(finite) * 2 <= len(draws) or not np.isfinite(estimate):
        return Estimate.of(estimate)
    low, high = np.quantile(finite, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate.of(estimate, low, high)


@dataclass(frozen=True)
class Sample:
    """One model's predictions for some rows, in descending order of risk, ready to be resampled.

    `subject` int32[n] numbers the subjects, the same in all samples of one cohort. Rows are cut
    at every threshold and every edge of the calibration line's bins ("line"): `ends` int64[j] are
    where the segments between cuts end, `bounds` how many segments lie before each cut.
    """

    subject: npt.NDArray[np.int32]
    outcome: npt.NDArray[np.int8]
    risk: Floats
    loss: Floats
    ends: Whole
    bounds: dict[str, Whole]
    log_odds: Floats  # mean of each bin of the calibration line; none: no calibration line
    smooth: Loess | None = None

    @classmethod
    def of(
        cls,
        outcome: Outcomes,
        risk: Floats,
        subject: npt.NDArray[Any],
        thresholds: Floats = EMPTY,
        points: Floats = EMPTY,
        bins: int = BINS,
    ) -> Sample:
        """Sorts outcome, risk and subject code, all [n], and lays the cuts.

        `thresholds` asks for the counts at or above each, `points` for the smooth calibration curve
        there; `bins` 0 leaves calibration slope, calibration-in-the-large and curve out.
        """
        order = np.argsort(-risk, kind="stable")
        y, p = outcome[order].astype(np.int8), np.asarray(risk[order], dtype=np.float64)
        edges = _line_edges(logit(p), bins)
        above = len(p) - np.searchsorted(p[::-1], thresholds, side="left")
        cuts = {"thresholds": above, "line": edges}
        ends = np.unique(np.concatenate([*cuts.values(), [len(p)]]))[1:]  # without the leading 0
        bounds = {name: np.searchsorted(ends, cut, side="right") for name, cut in cuts.items()}
        rows = np.diff(edges)
        log_odds = _bin_means(logit(p), edges)
        smooth = None
        if len(points) and len(rows):
            smooth = Loess(_bin_means(p, edges), rows.astype(np.float64), points)
        codes, ends = subject[order].astype(np.int32), ends.astype(np.int64)
        return cls(codes, y, p, row_log_loss(y, p), ends, bounds, log_odds, smooth)


def _line_edges(log_odds: Floats, bins: int) -> Whole:
    """Edges of the calibration line's bins: half by number of rows, half evenly by log odds."""
    n = len(log_odds)
    if n <= bins or not bins:
        return np.arange(n + 1 if bins else 1)
    levels = np.linspace(log_odds[0], log_odds[-1], bins // 2 + 1)
    even = n - np.searchsorted(log_odds[::-1], levels, side="right")
    return np.unique(np.concatenate([np.arange(bins // 2 + 1) * n // (bins // 2), even]))


def _bin_means(values: Floats, edges: Whole) -> Floats:
    sums = np.concatenate([[0.0], np.cumsum(values)])[edges]
    return np.diff(sums) / np.diff(edges) if len(edges) > 1 else EMPTY


@numba.njit(cache=True, nogil=True)
def _one_pass(
    counts: Counts,
    subject: npt.NDArray[np.int32],
    outcome: npt.NDArray[np.int8],
    risk: Floats,
    loss: Floats,
    ends: Whole,
    totals: Floats,
    segments: Floats,
) -> None:
    """One resample: fills totals [4] and segments [j, 2], its rows and events.

    The totals are pairs won, precision at events, squared error and log loss.
    """
    above, flagged, tied, tied_events, won = 0, 0, 0, 0, 0
    precision, squared, logged, start = 0.0, 0.0, 0.0, 0
    last = 2.0  # above every risk
    for j in range(len(ends)):
        rows, events = 0, 0
        for i in range(start, ends[j]):
            count = counts[subject[i]]
            if risk[i] != last:  # only now is it known how many shared the last risk
                won += (tied - tied_events) * (2 * above + tied_events)
                above, flagged = above + tied_events, flagged + tied
                # the maximum avoids 0/0 without a branch
                precision += tied_events * above / max(flagged, 1)
                tied, tied_events, last = 0, 0, risk[i]
            hits = count * outcome[i]
            tied, tied_events = tied + count, tied_events + hits
            rows, events = rows + count, events + hits
            squared += count * (outcome[i] - last) ** 2
            logged += count * loss[i]
        segments[j, 0], segments[j, 1], start = rows, events, ends[j]
    won += (tied - tied_events) * (2 * above + tied_events)
    precision += tied_events * (above + tied_events) / max(flagged + tied, 1)
    totals[0], totals[1], totals[2], totals[3] = won / 2, precision, squared, logged


@numba.njit(cache=True, nogil=True)
def _passes(
    counts: Counts,
    subject: npt.NDArray[np.int32],
    outcome: npt.NDArray[np.int8],
    risk: Floats,
    loss: Floats,
    ends: Whole,
    totals: Floats,
    segments: Floats,
) -> None:
    for r in range(len(counts)):
        _one_pass(counts[r], subject, outcome, risk, loss, ends, totals[r], segments[r])


def statistics(sample: Sample, counts: Counts) -> Statistics:
    """The statistics of each resample, float64[r], from how often it drew each subject.

    `counts` is uint8[r, subjects]. Names are those of the table of metrics; `rows`, `events` and,
    per threshold, `flagged` and `true_positives` float64[r, m] count rows, and `curve`
    float64[r, points] is the smooth calibration curve. Of a resample with one class `events`, and
    what is divided by them, are NaN; `flagged` and `true_positives` keep their values.
    """
    totals = np.empty((len(counts), 4))
    segments = np.empty((len(counts), len(sample.ends), 2))
    _passes(
        counts,
        sample.subject,
        sample.outcome,
        sample.risk,
        sample.loss,
        sample.ends,
        totals,
        segments,
    )
    below = np.concatenate([np.zeros((len(counts), 1, 2)), np.cumsum(segments, axis=1)], axis=1)
    rows, events = below[:, -1, 0], below[:, -1, 1]
    usable = (events > 0) & (events < rows)
    events, non_events = np.where(usable, events, NAN), np.where(usable, rows - events, NAN)
    at = below[:, sample.bounds["thresholds"], :]
    return {
        "rows": events + non_events,
        "events": events,
        "auroc": totals[:, 0] / (events * non_events),
        "auprc": totals[:, 1] / events,
        "brier": totals[:, 2] / (events + non_events),
        "scaled_brier": 1 - totals[:, 2] * (events + non_events) / (events * non_events),
        "log_loss": totals[:, 3] / (events + non_events),
        "flagged": at[:, :, 0],
        "true_positives": at[:, :, 1],
        **_calibration(sample, below),
    }


def _calibration(sample: Sample, below: Floats) -> Statistics:
    if not len(sample.log_odds):
        return {}
    bins = np.diff(below[:, sample.bounds["line"], :2], axis=1)
    rows, events = np.ascontiguousarray(bins[:, :, 0]), np.ascontiguousarray(bins[:, :, 1])
    line = {
        "citl": recalibration(events, rows, sample.log_odds, slope=False)[:, 0],
        "slope": recalibration(events, rows, sample.log_odds, slope=True)[:, 1],
    }
    return line if sample.smooth is None else {**line, "curve": sample.smooth(events, rows)}


def draw_counts(subjects: int, resamples: int, seed: int) -> Iterator[Counts]:
    """How often each subject is drawn, the same per seed: uint8[chunk, subjects] at a time."""
    rng = np.random.default_rng(seed)
    for start in range(0, resamples, CHUNK):
        size = min(CHUNK, resamples - start)
        counts = np.empty((size, subjects), dtype=np.uint8)
        for row in counts:
            draw = rng.integers(0, subjects, subjects, dtype=np.int32)
            row[:] = np.bincount(draw, minlength=subjects)
        yield counts


def resample(
    samples: Sequence[Sample], subjects: int, resamples: int, seed: int
) -> list[Statistics]:
    """Bootstrap statistics of each sample, paired: draw k takes the same subjects in all of them.

    Subject codes lie in [0, subjects). One dictionary for each sample, as `statistics` gives it.
    """
    chunks = [
        [statistics(sample, counts) for sample in samples]
        for counts in draw_counts(subjects, resamples, seed)
    ]
    return [
        {name: np.concatenate([chunk[k][name] for chunk in chunks]) for name in chunks[0][k]}
        for k in range(len(samples))
    ]
