"""Servers of the fault tests' own, so that nobody else sees them die, and the proof that nothing was lost."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence

import asyncpg
import pytest
from redis.asyncio import Redis

from cli.localservers import Addresses, ServerControl, StateDir
from pipelines.audit import audit
from pipelines.engine.stores.cache import Cache
from pipelines.engine.stores.postgres import DATABASE_ERRORS
from tests.support.load import Load
from tests.support.pipelines import caught_up
from tests.support.processors import Processor
from tests.support.runs import Run, fresh_run
from tests.support.servers import real_servers
from tests.support.waiting import until

SEEDS = [pytest.param(1), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 51))]
"""One seed in `make test`, fifty in `make test-long`."""

LONG_SEEDS = [pytest.param(seed, marks=pytest.mark.long) for seed in range(1, 51)]
"""All in `make test-long`: for what takes half a minute and has a shorter relative here."""


@pytest.fixture(scope="session")
def fault_servers() -> Iterator[Addresses]:
    """Real servers that nobody else uses."""
    with real_servers("fault tests", name="faults") as addresses:
        yield addresses


@pytest.fixture
def control(fault_servers: Addresses) -> Iterator[ServerControl]:
    """Breaks those servers; what a test leaves broken is started again."""
    control = ServerControl(StateDir.of_checkout("faults"))
    yield control
    for server in ("rabbitmq", "postgres", "redis"):
        control.resume(server)
        if not control.running(server):
            control.start(server)


@pytest.fixture
async def run(fault_servers: Addresses, control: ServerControl) -> AsyncIterator[Run]:
    """An environment of the test's own on the servers that may die."""
    async with fresh_run(fault_servers) as own:
        yield own


Proof = Callable[[Load], Awaitable[None]]
CacheProof = Callable[[], Awaitable[None]]


@pytest.fixture
def prove(run: Run) -> Proof:
    """Wait until all that is in the stream is applied, then audit: nothing lost, doubled, out of order or wrong."""

    async def proof(load: Load) -> None:
        await caught_up(run, seconds=120)
        report = await audit(run.settings)
        figures = {name: getattr(report, name) for name in ("lost", "doubled", "order_gaps", "mismatches", "pending")}
        assert figures == dict.fromkeys(figures, 0), report.findings
        assert report.applied == len(load.good)
        assert report.quarantined >= load.bad
        assert report.events_in_stream > report.distinct >= load.distinct

    return proof


@pytest.fixture
def cache_agrees(run: Run) -> CacheProof:
    """Wait until the hot cache is whole again, and hold its counts against the tables (I6)."""

    async def proof() -> None:
        await caught_up(run)
        connection = await run.connect()
        rows = await connection.fetch("SELECT partition, stage, partner, orders FROM counts WHERE orders <> 0")
        await connection.close()
        expected: dict[int, dict[str, int]] = {partition: {} for partition in range(run.settings.partitions)}
        for row in rows:
            expected[row["partition"]][f"{row['stage']}|{row['partner']}"] = row["orders"]
        async with Redis.from_url(run.settings.redis_url) as redis:
            cache = Cache(redis, run.settings.redis_prefix, "views@1")

            async def whole() -> bool:
                boards = await cache.read_board(sorted(expected), ["submitted", "closed"], 10)
                return all(
                    board is not None and {field: n for field, n in board.counts.items() if n} == expected[partition]
                    for partition, board in enumerate(boards)
                )

            await until(whole, "the hot cache to agree with PostgreSQL")

    return proof


async def applied(connection: asyncpg.Connection) -> int:
    """Return how many offsets of all partitions together have taken effect; -1 where the database is away."""
    with contextlib.suppress(*DATABASE_ERRORS):
        return int(await connection.fetchval("SELECT coalesce(sum(next_offset), 0) FROM checkpoint"))
    return -1


async def owned_by(connection: asyncpg.Connection, children: Sequence[Processor]) -> None:
    """Wait until these processors, and no other, own the partitions."""
    pids = {str(child.pid) for child in children}

    async def owned() -> bool:
        owners = await connection.fetch("SELECT DISTINCT owner FROM checkpoint")
        return {row["owner"].rpartition(":")[2] for row in owners} == pids

    await until(owned, "the partitions to be shared out")


async def progress(load: Load, rounds: int) -> None:
    """Wait until so many more rounds have been published."""
    for _ in range(rounds):
        load.published.clear()
        await asyncio.wait_for(load.published.wait(), 60)
