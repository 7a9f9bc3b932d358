"""Relays killed, frozen, woken and fighting, under a load of all that transactions can do."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import pytest

from tests.faults.conftest import LONG_SEEDS, SEEDS
from tests.faults.shop import Shop
from tests.support.processors import Processor, relay
from tests.support.proxy import proxied
from tests.support.runs import Run
from tests.support.waiting import until

pytestmark = pytest.mark.faults


@pytest.fixture
async def shop(run: Run, seed: int) -> AsyncIterator[Shop]:
    """A busy service."""
    shop = Shop(run, seed)
    await shop.open()
    yield shop
    await shop.close()


async def kill_again_and_again(shop: Shop, child: Processor, seed: int, times: int) -> None:
    """Kill the relay at a random moment of its life, and start it again."""
    chance = random.Random(seed)
    for _ in range(times):
        await shop.progress(chance.randint(1, 40))
        if chance.random() < 0.7:
            await child.address()  # else it may still be starting
            await shop.progress(chance.randint(0, 60))
        child.kill()
        child.start()


@pytest.mark.parametrize("seed", SEEDS)
async def test_killed_again_and_again(shop: Shop, run: Run, tmp_path: Path, seed: int) -> None:
    async with relay(run, tmp_path / "log") as child:
        await kill_again_and_again(shop, child, seed, times=6)
        await shop.prove()


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 105))
async def test_killed_fifty_times(shop: Shop, run: Run, tmp_path: Path, seed: int) -> None:
    async with relay(run, tmp_path / "log") as child:
        await kill_again_and_again(shop, child, seed, times=50)
        await shop.prove()


@pytest.mark.parametrize("seed", LONG_SEEDS)
async def test_several_of_which_the_one_that_works_is_frozen_and_woken(
    shop: Shop, run: Run, tmp_path: Path, seed: int
) -> None:
    async with AsyncExitStack() as stack:
        relays = [await stack.enter_async_context(relay(run, tmp_path / f"log{number}")) for number in range(3)]
        for _ in range(2 if seed == 1 else 4):
            before = await working(run, None)
            frozen = await the_one_that_works(relays)
            frozen.freeze()
            await working(run, before)
            await shop.progress(30)
            frozen.wake()
            await shop.progress(30)
        await shop.prove()
        assert all(child.running for child in relays)
        assert [await child.stop() for child in relays] == [0, 0, 0]


@pytest.mark.parametrize("seed", SEEDS)
async def test_its_connection_is_ended_by_the_database(shop: Shop, run: Run, tmp_path: Path, seed: int) -> None:
    async with relay(run, tmp_path / "log") as child:
        database = await asyncpg.connect(run.settings.postgres_dsn)
        for _ in range(5):
            pid = await working(run, None)
            await shop.progress(20 + seed % 7)
            await database.execute("SELECT pg_terminate_backend($1)", pid)
            await working(run, pid)
        await database.close()
        await shop.prove()
        assert child.running


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("to", ["stream_url", "postgres_dsn"])
async def test_its_lines_are_cut_and_half_open(shop: Shop, run: Run, tmp_path: Path, to: str, seed: int) -> None:
    async with proxied(getattr(run.settings, to)) as (url, proxy):
        variable = {"stream_url": "WARREN_STREAM_URL", "postgres_dsn": "WARREN_OUTBOX_DSN"}[to]
        async with relay(run, tmp_path / "log", environment={variable: url}) as child:
            await shop.progress(30)
            for number in range(4):
                await working(run, None)
                await shop.progress(20 + seed % 9)
                if number % 2:
                    proxy.swallow()
                    await shop.progress(10)
                proxy.cut()
            await shop.prove()
            assert child.running


@pytest.mark.parametrize("seed", SEEDS)
async def test_an_open_transaction_holds_up_its_own_orders_and_no_others(
    shop: Shop, run: Run, tmp_path: Path, seed: int
) -> None:
    other = await asyncpg.connect(run.settings.postgres_dsn)
    early = [f"early-{number}" for number in range(3)]
    async with relay(run, tmp_path / "log") as child:
        async with other.transaction():
            for event_id in early:
                await other.execute("SELECT warren_outbox.publish('open', 'order.note_added.v1', '{}', $1)", event_id)
            await kill_again_and_again(shop, child, seed, times=3)
            await shop.progress(100)
            await shop.close()
            await shop.until_published()
            assert not await events_of(shop, "open")
            published = sum(map(len, (await shop.published()).values()))
            assert published == sum(map(len, (await shop.committed()).values())) > 100
        await shop.until_published()
        assert await events_of(shop, "open") == early
    await other.close()


async def events_of(shop: Shop, order: str) -> list[str]:
    return [event_id for events in (await shop.published()).values() for name, event_id in events if name == order]


async def working(run: Run, other_than: int | None) -> int:
    """Wait until a relay works, over another connection than this; return the connection."""
    database = await asyncpg.connect(run.settings.postgres_dsn)

    async def owner() -> int | None:
        pid = await database.fetchval(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = 1463898707 AND objid = 1 AND granted "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        return pid if pid != other_than else None

    try:
        found = await until(owner, "a relay to work")
        assert found is not None
        return found
    finally:
        await database.close()


async def the_one_that_works(relays: list[Processor]) -> Processor:
    async def found() -> Processor | None:
        for child in relays:
            if not child.frozen and await child.metric("warren_outbox_owned") == 1:
                return child
        return None

    child = await until(found, "a relay to say that it works")
    assert child is not None
    return child
