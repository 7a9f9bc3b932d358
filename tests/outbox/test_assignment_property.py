"""Whatever writers do, wherever relays crash: each committed event is in the stream once, orders in commit order."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.edges.outbox import assignment as module
from schemas.streams import partition_of
from tests.outbox.world import PARTITIONS, World

WRITERS, ORDERS = 4, ("red", "green", "blue", "grey")

writers, few = st.integers(0, WRITERS - 1), st.integers(1, 5)
writes = st.tuples(st.just("write"), writers, st.sampled_from(ORDERS), st.sampled_from([False, False, False, True]))
ends = st.tuples(st.just("end"), writers, st.sampled_from([True, True, False]))
relaying = st.one_of(
    st.tuples(st.just("assign")),
    st.tuples(st.just("send"), few),
    st.tuples(st.just("confirm")),
    st.tuples(st.just("settle")),
)
faults = st.one_of(st.tuples(st.just("crash")), st.tuples(st.just("haunt"), st.integers(0, 5), few))
steps_lists = st.lists(st.one_of(writes, writes, ends, relaying, relaying, faults), min_size=10, max_size=60)


@pytest.fixture
async def connections(dsn: str) -> AsyncIterator[list[asyncpg.Connection]]:
    """The writers' connections."""
    made = [await asyncpg.connect(dsn) for _ in range(WRITERS)]
    yield made
    for connection in made:
        await connection.close()


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH_EVENTS", 3)


@settings(
    max_examples=100,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=steps_lists)
async def test_each_committed_event_is_in_the_stream_once_in_its_orders_commit_order(
    database: asyncpg.Connection, connections: list[asyncpg.Connection], steps: list[tuple[object, ...]]
) -> None:
    await _run(database, connections, steps)


@pytest.mark.long
@settings(
    max_examples=3000,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=steps_lists)
async def test_each_committed_event_is_in_the_stream_once_at_length(
    database: asyncpg.Connection, connections: list[asyncpg.Connection], steps: list[tuple[object, ...]]
) -> None:
    await _run(database, connections, steps)


async def _run(
    database: asyncpg.Connection, connections: list[asyncpg.Connection], steps: list[tuple[object, ...]]
) -> None:
    await database.execute("TRUNCATE event, batch")
    world = World(database, connections)
    await world.crash()
    try:
        for name, *arguments in steps:
            step = getattr(world, str(name))(*arguments)
            if step is not None:
                await step
            _check(world, whole=False)
            if name in ("crash", "settle"):
                await _check_pending(database, world)
    finally:
        for number in range(WRITERS):
            await world.end(number, number % 2 == 0)
    await _check_pending(database, world)
    await world.crash()
    await _check_pending(database, world)
    await world.drain()
    _check(world, whole=True)
    assert world.last_ids == {home: len(events) for home, events in world.stream.items()}, "ids have no gaps"
    assert await database.fetchval("SELECT count(*) FROM pending") == 0
    for number in range(6):
        world.haunt(number, 1_000_000)
    _check(world, whole=True)


def _check(world: World, *, whole: bool) -> None:
    found = [(home, *event) for home, events in world.stream.items() for event in events]
    assert all(partition_of(order, PARTITIONS) == home for home, order, _ in found)
    assert max(Counter(name for *_, name in found).values(), default=0) <= 1
    for order in ORDERS:
        published = [name for _, subject, name in found if subject == order]
        committed = world.orders[order]
        assert published == (committed if whole else committed[: len(published)])


async def _check_pending(database: asyncpg.Connection, world: World) -> None:
    pending = [row["id"] for row in await database.fetch("SELECT id FROM pending")]
    committed = {name for names in world.orders.values() for name in names}
    assert len(pending) == len(set(pending))
    assert committed - world.confirmed <= set(pending) <= committed
