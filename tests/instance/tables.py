"""Read a views instance's tables as plain values that two runs of the same events must share.

Left out is what may differ between runs that mean the same: order numbers, offsets, the log's times, and what of
durations comes from them.
"""

from __future__ import annotations

from typing import Any

import asyncpg

from tests.support.derived import check_derived

Tables = dict[str, Any]

_ORDERS = """
    SELECT order_id, partition, stage, holder, partner, customer_id, price_amount::text, price_currency, opened_at,
           stage_since, revision, anomalies, opened_by
      FROM {table} ORDER BY order_id
"""

_ENDED = "(SELECT * FROM closed_orders UNION ALL SELECT * FROM archived_orders) AS ended"

_TIMELINE = """
    SELECT i.order_id, t.revision, t.partition, t.identity, t.source, t.event_id, t.event_type, t.event_time, t.stage,
           t.holder, t.anomalies, t.trace_id, t.body,
           CASE WHEN 'time_reversed' = ANY(t.anomalies) THEN NULL ELSE t.held_seconds END AS held
      FROM timeline t JOIN order_index i USING (order_no) ORDER BY i.order_id, t.stream_offset
"""

_QUARANTINE = """
    SELECT DISTINCT partition, reason, source, event_id, event_type, subject FROM quarantine
     ORDER BY 1, 2, 3, 4, 5, 6
"""

_PARKED = """
    SELECT i.order_id, p.partition, p.identity, p.body
      FROM parked p JOIN order_index i USING (order_no) ORDER BY i.order_id, p.stream_offset
"""

_LEDGER = """
    SELECT i.order_id, l.identity, l.content, l.partition, l.parked
      FROM ledger l JOIN order_index i USING (order_no) ORDER BY i.order_id, l.identity
"""

_COUNTS = "SELECT partition, stage, partner, orders FROM counts WHERE orders <> 0 ORDER BY 1, 2, 3"

_TOTALS = "SELECT coalesce(sum(applied), 0)::int AS applied, coalesce(sum(parked), 0)::int AS parked FROM checkpoint"


async def read_tables(connection: asyncpg.Connection) -> Tables:
    """Return all that the instance knows, comparable between runs."""
    queries = {
        "open_orders": _ORDERS.format(table="open_orders"),
        "closed_orders": _ORDERS.format(table=_ENDED),
        "timeline": _TIMELINE,
        "counts": _COUNTS,
        "quarantine": _QUARANTINE,
        "parked": _PARKED,
        "ledger": _LEDGER,
        "totals": _TOTALS,
    }
    return {name: [tuple(row) for row in await connection.fetch(query)] for name, query in queries.items()}


async def check_consistent(connection: asyncpg.Connection) -> None:
    """Assert what must hold between the tables after any sequence."""
    orders = await connection.fetchval("SELECT count(*) FROM order_index")
    seen = await connection.fetchval("SELECT count(*) FROM open_orders")
    closed = await connection.fetchval(f"SELECT count(DISTINCT order_no) FROM {_ENDED}")
    assert await connection.fetchval(f"SELECT count(*) FROM {_ENDED}") == closed
    both = f"SELECT count(*) FROM open_orders o JOIN {_ENDED} USING (order_no)"
    assert await connection.fetchval(both) == 0
    told = await connection.fetchval("SELECT count(DISTINCT order_no) FROM timeline")
    assert seen + closed == told <= orders
    assert await connection.fetchval("SELECT coalesce(sum(orders), 0) FROM counts") == told
    assert await connection.fetchval("SELECT count(*) FROM counts WHERE orders < 0") == 0
    totals = await connection.fetchrow(_TOTALS)
    assert totals["applied"] == await connection.fetchval("SELECT count(*) FROM timeline")
    assert totals["parked"] == await connection.fetchval("SELECT count(*) FROM parked")
    assert totals["parked"] == await connection.fetchval("SELECT count(*) FROM ledger WHERE parked")
    ledger = await connection.fetchval("SELECT count(*) FROM ledger")
    assert ledger == totals["applied"] + totals["parked"]
    # Each order's timeline is its events in stream order, numbered without a gap (I3).
    out_of_order = """
        SELECT count(*) FROM (SELECT revision, row_number() OVER (PARTITION BY order_no ORDER BY stream_offset) AS place
                                FROM timeline) t WHERE revision <> place
    """
    assert await connection.fetchval(out_of_order) == 0
    await check_derived(connection)
