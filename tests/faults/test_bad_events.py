"""Storms of bad events and of parked orders, and two releases that do not agree (I4)."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path

import asyncpg
import pytest

from pipelines.engine.instance.storm import MAX_PARKED
from pipelines.engine.transport import Message, SuperStreamPublisher
from schemas.streams import partition_of
from tests.faults.conftest import SEEDS, CacheProof, Proof, owned_by
from tests.faults.entries.release import entry
from tests.support.events import event, life, message
from tests.support.load import Load
from tests.support.pipelines import caught_up
from tests.support.processors import processor
from tests.support.runs import Run

pytestmark = pytest.mark.faults

BODIES = (b"", b"not json", b"[]", b"{}", b'{"specversion":"1.0"}', b"\x00\xff", b"1e999", b'{"subject":"L1"}')


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_storm_of_bad_events(
    run: Run, prove: Proof, cache_agrees: CacheProof, tmp_path: Path, seed: int
) -> None:
    """Unreadable, misrouted and conflicting ones, thousands among good ones."""
    chance, load = random.Random(seed), Load(run, seed, endless=True)
    partitions = run.settings.partitions
    originals = [f"C{number}" for number in range(300)]
    bad: Counter[str] = Counter()
    async with (
        processor(run, tmp_path / "log") as child,
        SuperStreamPublisher(run.settings.stream_url, "orders") as publisher,
    ):
        publishing = asyncio.create_task(load.publish())
        first = [message(event(order, "initiated")) for order in originals]
        await publisher.publish(first)
        load.good |= {m.message_id for m in first}
        for _ in range(10):
            conflicts = [event(order, "initiated", data={"other": chance.random()}) for order in originals]
            unreadable = [Message(f"L{chance.randrange(99)}", chance.choice(BODIES), "bad", "bad") for _ in range(300)]
            mixed = [*unreadable, *(message(fields) for fields in conflicts)]
            chance.shuffle(mixed)
            await publisher.publish(mixed)
            bad["conflict"] += len(conflicts)
            bad["unreadable"] += len(unreadable)
            lost = [event(f"M{chance.randrange(100)}", chance.choice(("initiated", "submitted"))) for _ in range(50)]
            for fields in lost:
                elsewhere = partition_of(fields["subject"], partitions) + chance.randrange(1, partitions)
                await publisher.publish_to(elsewhere % partitions, [message(fields)])
            bad["misrouted"] += len(lost)
        load.bad += bad["unreadable"] + bad["misrouted"]
        load.finish()
        await publishing
        await prove(load)
        await cache_agrees()
        assert await child.stop() == 0
    connection = await run.connect()
    found = dict(await connection.fetch("SELECT reason, count(*) FROM quarantine GROUP BY reason"))
    assert found["conflict"] == bad["conflict"]
    assert found["misrouted"] == bad["misrouted"]
    assert await connection.fetchval("SELECT count(*) FROM order_index WHERE order_id LIKE 'M%'") == 0
    await connection.close()


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_storm_of_parked_orders_stops_a_bad_deploy_and_after_the_rollback_nothing_is_missing(
    run: Run, prove: Proof, cache_agrees: CacheProof, tmp_path: Path, seed: int
) -> None:
    load = Load(run, seed, pause=0.03, endless=True)
    connection = await run.connect()
    publishing = asyncio.create_task(load.publish())
    for attempt in range(2):  # whoever starts it again gains nothing
        async with processor(run, tmp_path / f"bad deploy {attempt}", entry=entry("broken")) as child:
            assert await child.ended() == 1
            assert "this looks like a bad deploy: roll back" in child.log.read_text().splitlines()[-1]
    parked = await _parked(connection)
    # Two starts, and one partition's batch does not see what another's is about to park.
    assert len(parked) <= 2 * MAX_PARKED * run.settings.partitions
    async with processor(run, tmp_path / "rolled back") as child:
        load.finish()
        await publishing
        await _release_all(run, load, parked)
        await prove(load)
        await cache_agrees()
        assert not await _parked(connection)
        assert await child.stop() == 0
    await connection.close()


@pytest.mark.parametrize("seed", SEEDS)
async def test_two_releases_side_by_side(
    run: Run, prove: Proof, cache_agrees: CacheProof, tmp_path: Path, seed: int
) -> None:
    """What the old one parks, the new one applies; once it has all partitions, parked orders can be released."""
    chance, load = random.Random(seed), Load(run, seed, endless=True)
    connection = await run.connect()
    async with (
        processor(run, tmp_path / "old", entry=entry("first")) as old,
        processor(run, tmp_path / "new", entry=entry("second")) as new,
        SuperStreamPublisher(run.settings.stream_url, "orders") as publisher,
    ):
        publishing = asyncio.create_task(load.publish())
        await owned_by(connection, [old, new])
        names = [f"P{number}" for number in range(200)]
        chance.shuffle(names)
        for partition in range(run.settings.partitions):
            for order in [name for name in names if partition_of(name, run.settings.partitions) == partition][:4]:
                note = event(order, "note_added", data={"author": "a", "text": "poison"})
                story = life(order)
                story.insert(chance.randint(1, 9), note)
                messages = [message(fields) for fields in story]
                await publisher.publish(messages)
                load.good |= {m.message_id for m in messages}
        load.finish()
        await publishing
        await caught_up(run)
        parked = await _parked(connection)
        assert 4 <= len(parked) <= 12  # each has one partition at least
        assert await old.stop() == 0
        await owned_by(connection, [new])
        await _release_all(run, load, parked)
        await prove(load)
        await cache_agrees()
        assert not await _parked(connection)
        assert await new.stop() == 0
    await connection.close()


async def _parked(connection: asyncpg.Connection) -> list[str]:
    query = "SELECT DISTINCT order_id FROM parked JOIN order_index USING (order_no) ORDER BY order_id"
    return [row["order_id"] for row in await connection.fetch(query)]


async def _release_all(run: Run, load: Load, orders: list[str]) -> None:
    """Ask for the orders' parked events to be tried again."""
    messages = [message(event(order, "released")) for order in orders]
    async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher:
        await publisher.publish(messages)
    load.good |= {m.message_id for m in messages}
