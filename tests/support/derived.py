"""What the read side's tables have to say, counted anew from open and closed orders, and from the timeline."""

from __future__ import annotations

import asyncpg

from schemas.lifecycle import STAGES, Stage

_TARGETS = ", ".join(
    f"('{stage}', {facts.target.total_seconds()}::float)"
    for stage, facts in STAGES.items()
    if facts.target is not None and stage is not Stage.UNOPENED
)

STAYS = (
    "SELECT stage, since, order_no FROM stays ORDER BY order_no",
    "SELECT stage, stage_since, order_no FROM open_orders ORDER BY order_no",
)

DAYS = (
    "SELECT partition, stage, holder, day, orders FROM stay_days ORDER BY 1, 2, 3, 4",
    """SELECT partition, stage, holder, (stage_since AT TIME ZONE 'UTC')::date, count(*)
         FROM open_orders GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4""",
)

ODD = (
    "SELECT partition, stage, partner, odd FROM counts WHERE odd <> 0 ORDER BY 1, 2, 3",
    """SELECT partition, stage, coalesce(partner, ''), count(*)
         FROM (SELECT partition, stage, partner, anomalies FROM open_orders
                UNION ALL SELECT partition, stage, partner, anomalies FROM closed_orders
                UNION ALL SELECT partition, stage, partner, anomalies FROM archived_orders) AS each_table
        WHERE anomalies > 0 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3""",
)

OVERDUE = (
    "SELECT partition, stage, holder, day, passed, ended FROM overdue_days ORDER BY 1, 2, 3, 4",
    f"""
    WITH stays AS (
        SELECT partition, lag(stage) OVER story AS stage, lag(holder) OVER story AS holder, held_seconds AS held,
               CASE WHEN anomalies && ARRAY['from_the_future', 'time_reversed']
                    THEN recorded_at ELSE event_time END AS ended_at
          FROM timeline WINDOW story AS (PARTITION BY order_no ORDER BY revision)
    ), late AS (
        SELECT *, ended_at - make_interval(secs => held - target) AS passed_at
          FROM stays JOIN (VALUES {_TARGETS}) AS t (stage, target) USING (stage)
         WHERE held > target
    )
    SELECT partition, stage, holder, day, sum(passed)::bigint, sum(ended)::bigint
      FROM (SELECT partition, stage, holder, (passed_at AT TIME ZONE 'UTC')::date AS day, 1 AS passed, 0 AS ended
              FROM late
             UNION ALL
            SELECT partition, stage, holder, (ended_at AT TIME ZONE 'UTC')::date, 0, 1 FROM late) AS days
     GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
    """,
)

ITEMS = (
    "SELECT item_id, order_no FROM order_items ORDER BY 1, 2",
    """SELECT DISTINCT (item ->> 'item_id') COLLATE "C" AS item_id, order_no
         FROM timeline, jsonb_array_elements(
              coalesce(nullif(convert_from(body, 'UTF8')::jsonb #> '{data,items}', 'null'), '[]')) AS item
        WHERE event_type IN ('order.submitted.v1', 'order.revised.v1') ORDER BY 1, 2""",
)

OPENED_BY = (
    """SELECT order_no, opened_by FROM (SELECT order_no, opened_by FROM open_orders
         UNION ALL SELECT order_no, opened_by FROM closed_orders
         UNION ALL SELECT order_no, opened_by FROM archived_orders) AS each_table ORDER BY 1""",
    "SELECT order_no, source FROM timeline WHERE revision = 1 ORDER BY 1",
)

ALL = {
    "stays": STAYS, "stay_days": DAYS, "counts.odd": ODD, "overdue_days": OVERDUE, "order_items": ITEMS,
    "opened_by": OPENED_BY,
}  # fmt: skip
"""What the tables say, and what they should, by name."""


async def check_derived(connection: asyncpg.Connection) -> None:
    """Assert that the read side's tables say what orders and timeline do."""
    for name, (said, true) in ALL.items():
        found = [tuple(row) for row in await connection.fetch(said)]
        assert found == [tuple(row) for row in await connection.fetch(true)], name
