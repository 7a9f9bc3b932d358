"""`archive`: the oldest month of a grown shop leaves the database; and what live writes lose meanwhile.

Three times: by itself; while events flow at a pace that two cores bear; and while a processor works on a backlog as
fast as it can. Live writes are looked at before, while the month leaves, and afterwards.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from tempfile import TemporaryDirectory

import asyncpg

from benchmarks.archiving import archive_run
from benchmarks.asking import told
from benchmarks.environment import Bench, BenchRun
from benchmarks.events import lives
from benchmarks.grown import EVENTS_PER_ORDER, GrownShop
from benchmarks.materialise import publish_all
from benchmarks.processor import processors
from benchmarks.result import Result
from benchmarks.steady import steady_load
from pipelines.engine.stores.postgres import connect

WHOLE, QUICK = GrownShop(10_000_000), GrownShop(100_000)
PACE = 3_000
BACKLOG, QUICK_BACKLOG = 1_400_000, 700_000
AIM_ROWS = 100_000.0
AIM_SLOWER = 0.2

_LOOK_SECONDS = 10.0
_LIMIT_SECONDS = 400.0
_BACKLOG_LIMIT_SECONDS = 40.0
"""A backlog lasts no longer: then the month that is leaving is left where it is, as a kill would leave it."""

_PIECE = 100_000


@dataclass(slots=True)
class Writes:
    """Live writes in some span: events a second, and how late each batch that was seen took effect, in milliseconds."""

    rate: float = 0.0
    late: list[float] = field(default_factory=list)


async def archive(bench: Bench) -> Result:
    """Rows a second of a month that leaves by itself, written, read back and compared."""
    shop = QUICK if bench.quick else WHOLE
    async with bench.environment(shop) as run:
        bare = await _bare(run, shop)
        with TemporaryDirectory() as folder:
            rows, seconds = await archive_run(run, folder, _LIMIT_SECONDS)
    async with bench.environment(shop) as run, processors(run), steady_load(run, PACE, shop.orders):
        paced = await _beside(run, _LIMIT_SECONDS)
    async with bench.environment(shop) as run:
        for first in range(0, QUICK_BACKLOG if bench.quick else BACKLOG, _PIECE):
            await publish_all(run, lives(_PIECE, seed=first, first_order=shop.orders + first))
        async with processors(run):
            full = await _beside(run, _BACKLOG_LIMIT_SECONDS)
    conditions = {
        "orders": shop.a_month, "timeline_rows": shop.a_month * EVENTS_PER_ORDER, "rows": rows,
        "seconds": round(seconds, 1), "aim_rows": AIM_ROWS, "pace": PACE, "paced": paced, "full_speed": full,
        "aim_slower": AIM_SLOWER,
    }  # fmt: skip
    limit_is = "the month's timeline read in its sequence by one COPY, nothing made of it"
    return Result("archive", rows / seconds, "rows/s", bare, limit_is, False, conditions)


async def _bare(run: BenchRun, shop: GrownShop) -> float:
    async def nowhere(_: bytes) -> None:
        pass

    connection = await connect(run.settings.postgres_dsn, "views_v1")
    started = time.perf_counter()
    month = f"SELECT * FROM timeline{shop.months[0].suffix} ORDER BY order_no, stream_offset"  # noqa: S608 - our own
    await connection.copy_from_query(month, output=nowhere, timeout=_LIMIT_SECONDS)
    seconds = time.perf_counter() - started
    await connection.close()
    return shop.a_month * EVENTS_PER_ORDER / seconds


async def _beside(run: BenchRun, limit: float) -> dict[str, object]:
    """Return what live writes were before, while a month left, and afterwards; and how many rows a second left."""
    connection = await connect(run.settings.postgres_dsn, "views_v1")
    await _begun(connection)
    async with _looked_at(connection) as before:
        await asyncio.sleep(_LOOK_SECONDS)
    async with _looked_at(connection) as during:
        with TemporaryDirectory() as folder:
            rows, seconds = await archive_run(run, folder, limit)
    async with _looked_at(connection) as after:
        await asyncio.sleep(_LOOK_SECONDS)
    await connection.close()
    spans = {"before": before, "during": during, "after": after}
    return {
        "rows_a_second": round(rows / seconds), "seconds": round(seconds, 1), "whole_month": rows > 0,
        "events_a_second": {name: round(writes.rate) for name, writes in spans.items()},
        "late_ms": {name: told(writes.late) for name, writes in spans.items() if len(writes.late) > 1},
        "slower": round(1 - during.rate / before.rate, 3),
    }  # fmt: skip


async def _begun(connection: asyncpg.Connection) -> None:
    """Wait until every partition moves, and a little longer."""
    while True:
        if await connection.fetchval("SELECT count(*) = 8 FROM checkpoint WHERE next_offset > 0"):
            await asyncio.sleep(3)
            return
        await asyncio.sleep(0.1)


@asynccontextmanager
async def _looked_at(connection: asyncpg.Connection) -> AsyncIterator[Writes]:
    """Look at the checkpoints for as long as the block runs; the writes are filled in when it ends."""
    writes, seen, over = Writes(), set[tuple[object, ...]](), asyncio.Event()
    query = "SELECT partition, next_offset, committed_at - recorded_at FROM checkpoint"

    async def look() -> None:
        while not over.is_set():
            for partition, offset, late in await connection.fetch(query):
                if (partition, offset) not in seen:
                    seen.add((partition, offset))
                    writes.late.append(late.total_seconds() * 1000)
            await asyncio.sleep(0.02)

    total = "SELECT sum(next_offset)::bigint FROM checkpoint"
    first, began = await connection.fetchval(total), time.perf_counter()
    looking = asyncio.create_task(look())
    try:
        yield writes
    finally:
        over.set()
        await looking
    writes.rate = (await connection.fetchval(total) - first) / (time.perf_counter() - began)
