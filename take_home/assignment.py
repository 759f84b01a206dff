"""What ASSIGNMENT.md says about findings.toml and risks.csv, from the tables that grade them."""

from __future__ import annotations

import math

from take_home.claims import DECISIONS, KINDS, LONGEST_TEXT, MOST_CLAIMS, SITES, Kind
from take_home.findings import (
    BENEFIT,
    CLAIM_POINTS,
    DATES_SHARE,
    DATES_WITHIN,
    FALSE_COST,
    NUMBER_SHARE,
    PLACE_SHARE,
    RATIO,
    RISK_POINTS,
    SLOPE,
    Band,
)
from take_home.plants import HOW_MANY, HOW_MANY_ODDITIES
from take_home.risks import CLIP, THRESHOLD

EXAMPLE = """\
[[finding]]
kind = "unit_change"
column = "age"
site = "Ferry"
since = 2020-06-01
number = 2.5
decision = "repair"
why = "What you compared, and what you ruled out."
patients = "Who would be treated wrongly, and how."
"""


def assignment_text() -> str:
    """The findings' part of ASSIGNMENT.md, Markdown with headings of the second and third level."""
    sections = (_introduction(), _claims(), _kinds(), _points(), _risks())
    return "\n\n".join(sections) + "\n"


def _introduction() -> str:
    return f"""\
## Findings (70 minutes, {CLAIM_POINTS + RISK_POINTS:.0f} points)

`cohort.csv` holds admissions of six hospitals, 2019 to 2022, with the outcome `readmitted`.
`ward.csv` holds 12,000 admissions of the half-year after, as the wards saw them on the day of
discharge, in the units of the dictionary and without the outcome. `dictionary.csv` says what each
column is meant to be.

**{HOW_MANY} problems** were put into `cohort.csv`, of {HOW_MANY} different kinds of the list below;
`ward.csv` has none of them. **{HOW_MANY_ODDITIES} oddities** are there too: they look strange and
harm nobody, and are no problems. All problems can be found from the three files alone, with pandas
or whatever you like. No part of the project has to work for it."""


def _claims() -> str:
    decisions = "\n".join(f"- `{name}`: {what}" for name, what in DECISIONS.items())
    return f"""\
### findings.toml

One table a problem, at most {MOST_CLAIMS}:

```toml
{EXAMPLE}```

- `kind`: one of the list below. `column`: as in `dictionary.csv`. `site`: {", ".join(SITES)}.
- `since`, `until`: the first and the last day concerned, `2020-06-01`.
- `number`: the one that the kind asks for.
- `why`, `patients`: your reasons in at most {LONGEST_TEXT:,} characters each. A person reads them,
  and your decision; they add no automatic points.
- `decision`: one of

{decisions}

Give `column`, `site`, `since` and `until` only where the kind has them. `make check` tells you of
every mistake in the file that can be told without knowing the answers."""


def _kinds() -> str:
    return "### The kinds of problem\n\n" + "\n".join(_kind(kind) for kind in KINDS.values())


def _kind(kind: Kind) -> str:
    allowed = f"{kind.tolerance:g} either way" if kind.absolute else f"{kind.tolerance:.0%}"
    names = ", ".join(f"`{name}`" for name in kind.places)
    return (
        f"- **`{kind.name}`** {kind.title}. {kind.what} Give {names}. "
        f"Number: {kind.number}. Tolerance: {allowed}."
    )


def _points() -> str:
    each = CLAIM_POINTS / HOW_MANY
    whole = PLACE_SHARE + NUMBER_SHARE
    place, number, dates = (each * share for share in (PLACE_SHARE, NUMBER_SHARE, DATES_SHARE))
    return f"""\
### Points for the findings ({CLAIM_POINTS:.0f})

| {each:g} points a problem | kind and place | number | dates within {DATES_WITHIN} days |
|---|---|---|---|
| a kind with dates | {place:.1f} | {number:.1f} | {dates:.1f} |
| a kind without | {place / whole:.1f} | {number / whole:.1f} | |

Place means column and hospital, as far as the kind has them; number and dates count only where kind
and place are right. A problem that has neither column nor hospital is told by its date, within the
same {DATES_WITHIN} days. Where a column and its companion (the two pressures, say) could both be
the wrong one, either is right.

A finding that names no problem, or one that an earlier finding named, is false. The first false one
is free; each other costs {FALSE_COST * each:g} points. A finding whose kind, column or hospital is
not on the lists counts as none."""


def _risks() -> str:
    bands = "\n".join(
        f"| {band.name} | {_range(band, band.full)} | {_range(band, band.half)} |"
        for band in (BENEFIT, RATIO, SLOPE)
    )
    return f"""\
### risks.csv ({RISK_POINTS:.0f} points)

For each admission of `ward.csv` the risk that the patient is readmitted within 30 days, as the
dictionary defines it; learned from `cohort.csv` after what you found. The first line is
`admission_id,risk`; each admission stands there once, in any order, its risk a number from 0 to 1.

The risks are compared with what happened. {RISK_POINTS / 3:g} points each:

| | full points | half points |
|---|---|---|
{bands}

- Net benefit at a threshold of {THRESHOLD:.0%}: true positives, less false positives times
  {THRESHOLD:g} / {1 - THRESHOLD:g}, per patient; whoever has a risk of at least {THRESHOLD:.0%} is
  called. It is given as your gain over calling everybody or nobody, whichever is better, divided by
  the gain of logistic regression on a table in which all problems were mended.
- Observed over expected: readmissions, divided by the sum of the risks.
- Calibration slope: of a logistic regression of the outcome on the log odds of your risks, those
  clipped to {CLIP:g} and {1 - CLIP:g} before.

In this order: observed over expected counts only where the net benefit earns points, and the slope
only where observed over expected does."""


def _range(band: Band, limits: tuple[float, float]) -> str:
    low, high = limits
    return f"at least {low:g}" if math.isinf(high) else f"{low:g} to {high:g}"
