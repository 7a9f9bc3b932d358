"""Do the stays say of every open order where it is, and the days how many began when?"""

from __future__ import annotations

import asyncpg

from pipelines.audit.findings import Findings
from pipelines.audit.report import Kind
from pipelines.engine.stores.named_sql import named_sql

_STAYS = named_sql(__package__, "stay_differences")
_DAYS = named_sql(__package__, "day_differences")


async def check_stays(connection: asyncpg.Connection, found: Findings) -> None:
    """Compare the stays, and the days, with the open orders.

    The orders themselves are compared with the stream elsewhere. Raises as the database does.
    """
    async with connection.transaction(readonly=True):
        async for row in connection.cursor(_STAYS):
            if not row["open"]:
                detail = "has a stay, but is no open order"
            elif row["stays"] != 1:
                detail = f"is open, and has {row['stays']} stays"
            else:
                detail = "its stay is not what open_orders says"
            found.add(Kind.STAYS, detail, order_id=row["order_id"], partition=row["partition"])
        async for row in connection.cursor(_DAYS):
            detail = (
                f"stay_days says {row['counted']} orders are {row['stage']} with {row['holder']} since {row['day']}, "
                f"there are {row['there']}"
            )
            found.add(Kind.STAY_DAYS, detail, partition=row["partition"])
