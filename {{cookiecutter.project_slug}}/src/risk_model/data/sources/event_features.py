"""All moments' rows: the database reads, joins and sorts; the kernel of requests makes the columns.

The sorted events arrive in batches that are cut between moments, so that memory does not grow with
the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from risk_model.core.errors import UserError
from risk_model.core.schema import Features
from risk_model.data.sources.event_moments import HAPPENED, KNOWN, Moments
from risk_model.signals.event_grid import grid
from risk_model.signals.event_plan import Plan, grid_plan, rule_plan, window_plan
from risk_model.signals.event_spec import Measured, Spec, matches
from risk_model.signals.events_windows import STATIC, Block, Integers

AT_ONCE = 1 << 16  # events in a batch
NOT_CONVERTED = 0.01  # share of a measurement's events; above it a factor must be stated
# requests are cut to 32 bits too; what does not fit into them is beyond every range
NUMBER = "coalesce(try_cast(e.numeric_value as float), 'inf'::float)::double * u.factor"
ORDER = "i, field, ago desc, row"


def window_rows(con: duckdb.DuckDBPyConnection, spec: Spec, moments: Moments) -> Features:
    """The rows of n moments, by the columns of `window_plan`: float32[n, columns]."""
    plan = window_plan(spec)
    return _filled(con, plan, moments, plan.kernel, (len(plan.columns),))


def whole_rows(con: duckdb.DuckDBPyConnection, spec: Spec, moments: Moments) -> Features:
    """The rows of n moments with the cells of a sequence, where there is one: float32[n, d]."""
    rows = window_rows(con, spec, moments)
    if spec.sequence is None:
        return rows
    return np.hstack([rows, grids(con, spec, moments).reshape(len(rows), -1)])


def rule_values(con: duckdb.DuckDBPyConnection, spec: Spec, moments: Moments) -> Features:
    """The values of the rules of eligibility: float32[n, rules]; see `event_plan.bounds`."""
    plan = rule_plan(spec)
    if not plan.columns:
        return np.empty((len(moments.at), 0), dtype=np.float32)
    return _filled(con, plan, moments, plan.kernel, (len(plan.columns),))


def grids(con: duckdb.DuckDBPyConnection, spec: Spec, moments: Moments) -> Features:
    """The grids of n moments: float32[n, fields, steps]; see `event_grid.grid`."""
    plan = grid_plan(spec)
    assert spec.sequence is not None  # noqa: S101 grid_plan raised
    shape = len(plan.sources), spec.sequence.steps
    return _filled(con, plan, moments, lambda start, block: grid(spec, start, block), shape)


def _filled(
    con: duckdb.DuckDBPyConnection,
    plan: Plan,
    moments: Moments,
    kernel: Callable[[Integers, Block], Features],
    shape: tuple[int, ...],
) -> Features:
    """What the kernel makes of each moment's events, float32[n, *shape]."""
    since = moments.at - moments.start
    out = np.empty((len(since), *shape), dtype=np.float32)
    done = 0
    for block in _blocks(con, plan, moments):
        end = int(block.moment[-1]) + 1
        here = block._replace(moment=block.moment - done)
        out[done:end] = kernel(since[done:end], here)
        done = end
    none = np.empty(0, np.int64)
    rest = Block(none, none, none, np.empty(0), none)
    out[done:] = kernel(since[done:], rest)
    return out


def _blocks(con: duckdb.DuckDBPyConnection, plan: Plan, moments: Moments) -> Iterator[Block]:
    """The events of the moments in order, a few moments at a time, each moment whole."""
    _register_moments(con, plan, moments)
    _register_uses(con, plan)
    # not execute(): its reader does not keep the order
    reader = con.sql(_events_sql()).to_arrow_reader(AT_ONCE)
    held: list[Block] = []
    for batch in reader:
        moment, field, *rest = (key.to_numpy(zero_copy_only=False) for key in batch.columns)
        # 32 bits are less to sort
        block = Block(moment.astype(np.int64), field.astype(np.int64), *rest)
        if not len(block.moment):
            continue
        last = block.moment[-1]
        cut = int(np.searchsorted(block.moment, last))
        if cut or (held and held[-1].moment[-1] != last):
            whole = _joined([*held, _part(block, 0, cut)])
            held = []
            if len(whole.moment):
                yield whole
        held.append(_part(block, cut, len(block.moment)))
    if held:
        yield _joined(held)


def _part(block: Block, start: int, end: int) -> Block:
    moment, field, ago, value, row = (key[start:end] for key in block)
    return Block(moment, field, ago, value, row)  # type: ignore[arg-type]


def _joined(blocks: list[Block]) -> Block:
    moment, field, ago, value, row = (np.concatenate(keys) for keys in zip(*blocks, strict=True))
    return Block(moment, field, ago, value, row)


def _register_moments(con: duckdb.DuckDBPyConnection, plan: Plan, moments: Moments) -> None:
    """The table `at_moment`: i, subject_id, cutoff and the oldest time of use."""
    oldest = np.full(len(moments.at), -STATIC)
    if plan.longest is not None:
        oldest = moments.at - plan.longest + 1
        if plan.from_start:
            oldest = np.minimum(oldest, moments.start)
    listed = pa.table(
        {
            "i": np.arange(len(moments.at)),
            "subject_id": pa.array(moments.subject, pa.string()),
            "cutoff": moments.at,
            "oldest": oldest,
        }
    )
    con.register("given_moment", listed)
    con.execute("create or replace temp table at_moment as select * from given_moment")
    con.unregister("given_moment")


def _register_uses(con: duckdb.DuckDBPyConnection, plan: Plan) -> None:
    """The table `uses`: which field takes a code in a unit, and how."""
    pairs = con.sql("select distinct code, unit from events").fetchall()
    uses = [(code, unit, *use) for code, unit in pairs for use in plan.uses(code, unit)]
    names = ("code", "unit", "field", "factor", "low", "high", "number", "static")
    types = (pa.string(), pa.string(), pa.int64(), *[pa.float64()] * 3, pa.bool_(), pa.bool_())
    values = zip(*uses, strict=True) if uses else [()] * len(names)
    arrays = [pa.array(column, kind) for column, kind in zip(values, types, strict=True)]
    con.register("given_uses", pa.table(arrays, list(names)))
    con.execute("create or replace temp table uses as select * from given_uses")
    con.unregister("given_uses")


def _events_sql() -> str:
    return f"""
    select i, field, ago, value, row from (
        select m.i::int as i, u.field::int as field,
               case when e.time is null then {STATIC} else m.cutoff - e.time end as ago,
               case when u.number then {NUMBER} else 0 end as value, e.row::bigint as row
        from events e join uses u using (code, unit) join at_moment m using (subject_id)
        where {KNOWN} and {HAPPENED}
          and case when e.time is null then u.static else e.time >= m.oldest end
          and (not u.number or {NUMBER} between u.low and u.high))
    order by {ORDER}"""  # noqa: S608 constants


@dataclass(frozen=True)
class CodeUse:
    """How many events of a code in a unit a measurement has, and how many it cannot use."""

    name: str
    code: str
    unit: str
    events: int
    not_converted: int
    no_number: int
    out_of_range: int


def code_uses(con: duckdb.DuckDBPyConnection, spec: Spec, elsewhere: bool = False) -> list[CodeUse]:
    """The events of each measurement by code and unit, at any time.

    Raises:
        UserError: a code of a measurement has no event; elsewhere than where the specification was
            made, all codes of a measurement have none.
    """
    plan = window_plan(spec)
    _register_uses(con, plan)
    pairs = con.sql("select code, unit, count(*) from events group by 1, 2 order by 1, 2")
    counts = pairs.fetchall()
    refused = con.sql(
        f"""select u.field, code, unit, count(*) filter (e.numeric_value is null),
            count(*) filter (e.numeric_value is not null and not {NUMBER} between u.low and u.high)
        from events e join uses u using (code, unit) where u.number group by 1, 2, 3"""  # noqa: S608
    ).fetchall()
    left_out = {(field, code, unit): (none, out) for field, code, unit, none, out in refused}
    uses = []
    for number, (each, source) in enumerate(zip(spec.measured, plan.sources, strict=True)):
        _check_codes(each, [code for code, _, _ in counts], elsewhere)
        for code, unit, count in counts:
            if matches(code, source.codes):
                taken = any(use.field == number for use in plan.uses(code, unit))
                none, out = left_out.get((number, code, unit), (0, 0))
                lost = 0 if taken else count
                uses.append(CodeUse(each.name, code, unit, count, lost, none, out))
    return uses


def _check_codes(each: Measured, codes: Sequence[str], elsewhere: bool) -> None:
    absent = [p for p in each.code if not any(matches(code, (p,)) for code in codes)]
    if elsewhere and len(absent) == len(each.code):
        raise UserError(
            f"no event has a code of {each.name} ({' or '.join(each.code)}), which the package "
            "needs; bring it, or another package"
        )
    if absent and not elsewhere:
        raise UserError(
            f"features.measured.{each.name}: no event has the code {absent[0]}; correct it or "
            "remove it"
        )


def check_units(uses: Sequence[CodeUse]) -> None:
    """Refuses a measurement of which more than one event in a hundred is in an unstated unit.

    Raises:
        UserError: names the measurement, the code, the unit and the count.
    """
    for name in dict.fromkeys(use.name for use in uses):
        own = [use for use in uses if use.name == name]
        total = sum(use.events for use in own)
        lost = [use for use in own if use.not_converted]
        if sum(use.not_converted for use in lost) > NOT_CONVERTED * total:
            worst = max(lost, key=lambda use: use.not_converted)
            unit = f"in {worst.unit}" if worst.unit else "without a unit"
            raise UserError(
                f"features.measured.{name}: {worst.not_converted:,} of {total:,} events have the "
                f"code {worst.code} {unit}; state the factor under from, or another unit"
            )
