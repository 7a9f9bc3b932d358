"""Are the counts the numbers of orders there are?"""

from __future__ import annotations

import asyncpg

from pipelines.audit.findings import Findings
from pipelines.audit.report import Kind
from pipelines.engine.stores.named_sql import named_sql

_PARTITIONS = named_sql(__package__, "count_partitions")
_DIFFERENCES = named_sql(__package__, "count_differences")


async def check_counts(connection: asyncpg.Connection, partitions: int, found: Findings) -> None:
    """Compare each partition's counts, per stage and partner, with its open and closed orders of the same moment.

    The orders themselves are compared with the stream elsewhere. Raises as the database does.
    """
    counted = {row["partition"] for row in await connection.fetch(_PARTITIONS)}
    for partition in sorted(counted | set(range(partitions))):
        for row in await connection.fetch(_DIFFERENCES, partition):
            whose = f" of partner {row['partner']}" if row["partner"] else ""
            said = f"the counts say {row['counted']} orders{whose} are {row['stage']}"
            if row["counted"] != row["there"]:
                detail = f"{said}, there are {row['there']}"
            else:
                detail = f"{said}, {row['counted_odd']} of them with an anomaly; there are {row['odd']} of these"
            found.add(Kind.COUNTS, detail, partition=partition)
