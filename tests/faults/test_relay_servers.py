"""Servers killed, restarted and paused while a relay publishes; a database restored from a copy."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import asyncpg
import pytest

from cli.localservers import ServerControl
from tests.faults.conftest import SEEDS
from tests.faults.shop import Shop
from tests.support.processors import relay
from tests.support.runs import Run
from tests.support.waiting import until

pytestmark = pytest.mark.faults

Server = Literal["rabbitmq", "postgres"]


@pytest.fixture
async def shop(run: Run, seed: int) -> AsyncIterator[Shop]:
    """A busy service."""
    shop = Shop(run, seed)
    await shop.open()
    yield shop
    await shop.close()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("server", ["rabbitmq", "postgres"])
async def test_a_server_killed_and_restarted(
    shop: Shop, run: Run, control: ServerControl, tmp_path: Path, server: Server, seed: int
) -> None:
    async with relay(run, tmp_path / "log") as child:
        for _ in range(2):
            await shop.progress(40 + seed % 11)
            await asyncio.to_thread(control.kill, server)
            await until(child.troubles, "the relay to say what is wrong")
            await asyncio.to_thread(control.start, server)
        await shop.progress(40)
        await shop.prove()

        async def ready() -> bool:
            return not await child.troubles()

        await until(ready, "the relay to be ready")
        assert child.running


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("server", ["rabbitmq", "postgres"])
async def test_a_server_paused(
    shop: Shop, run: Run, control: ServerControl, tmp_path: Path, server: Server, seed: int
) -> None:
    async with relay(run, tmp_path / "log") as child:
        await shop.progress(40 + seed % 11)
        await asyncio.to_thread(control.pause, server)
        await asyncio.sleep(3 + seed % 5)  # what is tried is the pause itself
        await asyncio.to_thread(control.resume, server)
        await shop.progress(40)
        await shop.prove()
        assert child.running


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_database_restored_from_a_copy(run: Run, tmp_path: Path, seed: int) -> None:
    """The broker has seen publishing ids that the restored outbox gives again: under that name all would be dropped."""
    dsn = run.settings.postgres_dsn
    name = dsn.rpartition("/")[2]
    server = await asyncpg.connect(dsn.rpartition("/")[0] + "/postgres")
    before, after = Shop(run, seed), Shop(run, seed + 1000)
    async with relay(run, tmp_path / "log"):
        await before.open()
        await before.progress(40)
        await before.close()
        await before.until_published()
    await server.execute(f"CREATE DATABASE {name}_copy TEMPLATE {name}")
    async with relay(run, tmp_path / "log"):
        lost = await asyncpg.connect(dsn)
        for number in range(200):
            await lost.execute("SELECT warren_outbox.publish($1, 'order.note_added.v1')", f"L{number}")
        await before.until_published()
        await lost.close()
    await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await server.execute(f"ALTER DATABASE {name}_copy RENAME TO {name}")
    await server.close()
    async with relay(run, tmp_path / "log"):
        after._tasks = [asyncio.create_task(after._write()) for _ in range(3)]
        await after.progress(60)
        await after.close()
        await after.until_published()
    committed = await after.committed()
    orders: dict[str, list[str]] = {}
    for events in (await after.published()).values():
        for order, event_id in dict.fromkeys(events):
            orders.setdefault(order, []).append(event_id)
    assert {order: ids for order, ids in orders.items() if not order.startswith("L")} == committed
    assert sum(order.startswith("L") for order in orders) == 200
