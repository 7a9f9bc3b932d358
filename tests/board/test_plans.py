"""The lanes' query walks its index: it does not get slower as orders pile up."""

from __future__ import annotations

from typing import Any

import orjson

from pipelines.engine.stores.named_sql import named_sql
from schemas.lifecycle import STAGES
from tests.support.runs import Run

_FILL = """
    INSERT INTO open_orders (order_no, order_id, partition, stage, holder, opened_at, stage_since, stage_recorded_at,
                             revision, anomalies, last_offset, last_recorded_at, opened_by)
    SELECT n, 'F' || n, n % 4, ($1::text[])[1 + n % 9], 'shop', now() - n * interval '1 minute', now(), now(),
           1, 0, n, now(), '/shop'
      FROM generate_series(1, 20000) AS n
"""


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """The plan and all below it."""
    return [plan, *(node for below in plan.get("Plans", []) for node in nodes(below))]


async def test_lanes_are_read_from_their_index(run: Run) -> None:
    connection = await run.connect()
    await connection.execute(_FILL, [str(stage) for stage in STAGES])
    await connection.execute("INSERT INTO stays SELECT stage, stage_since, order_no FROM open_orders")
    await connection.execute("ANALYZE open_orders, stays")
    lanes = named_sql("dashboards.operator", "lanes").rstrip().rstrip(";")
    explained = await connection.fetchval(
        f"EXPLAIN (ANALYZE, FORMAT JSON) {lanes}", [str(stage) for stage in STAGES], 6
    )
    (plan,) = orjson.loads(explained)
    await connection.close()
    for table in "stays", "open_orders":
        touched = [node for node in nodes(plan["Plan"]) if node.get("Relation Name") == table]
        assert touched
        assert all(node["Node Type"].startswith("Index") for node in touched)
        assert sum(node["Actual Rows"] * node["Actual Loops"] for node in touched) <= len(STAGES) * 6
