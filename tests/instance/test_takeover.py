"""A consumer that has lost its partition cannot commit, however late it wakes (I5)."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import asyncpg
import pytest

from pipelines.engine.instance.batch import take_effect
from pipelines.engine.stores.postgres import CONNECTION_LOST
from schemas.errors import Fenced
from tests.instance.direct import batch, instance, orders_of
from tests.instance.owners import Pausing, backend_of_owner, owner
from tests.instance.tables import check_consistent, read_tables
from tests.support.events import event, life
from tests.support.runs import Run

A, B = orders_of(0, 2)


async def test_an_owner_frozen_in_mid_batch_is_freed_at_once_and_cannot_commit_when_it_wakes(run: Run) -> None:
    frozen = Pausing()
    async with owner(run, frozen) as old, owner(run) as new:
        assert (await old.claim("old")).offset == 0
        late = asyncio.create_task(old.commit(batch(life(A))))
        await frozen.reached.wait()
        started = time.monotonic()
        async with asyncio.timeout(8):  # the broker waits ten seconds for an answer
            assert (await new.claim("new")).offset == 0
            outcome = await new.commit(batch([*life(A, "initiated"), event(B, "initiated")]))
        assert outcome is not None
        assert time.monotonic() - started < 8
        frozen.go_on.set()
        with pytest.raises(Fenced):
            await late
        assert not old.holds
        with pytest.raises(Fenced):
            await old.commit(batch(life(A, "submitted"), 2))
        assert new.holds
        await new.commit(batch(life(A, "submitted"), 2))
    connection = await run.connect()
    assert await connection.fetchval("SELECT count(*) FROM timeline") == 3
    assert await connection.fetchval("SELECT next_offset FROM checkpoint") == 3
    await check_consistent(connection)
    await connection.close()


async def test_an_owner_frozen_with_its_checkpoint_moved_but_not_committed_is_taken_over(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever looks at that row with an insertion waits for the frozen transaction's end."""
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def write_and_freeze(connection: asyncpg.Connection, *rest: Any) -> None:
        async with connection.transaction():
            await take_effect(connection, *rest)
            if not reached.is_set():
                reached.set()
                await go_on.wait()

    monkeypatch.setattr("pipelines.engine.instance.owner.take_effect", write_and_freeze)
    async with owner(run) as old, owner(run) as new:
        await old.claim("old")
        late = asyncio.create_task(old.commit(batch(life(A))))
        await reached.wait()
        async with asyncio.timeout(8):  # the broker waits ten seconds for an answer
            assert (await new.claim("new")).offset == 0
        go_on.set()
        with pytest.raises(Fenced):
            await late
        assert await new.commit(batch(life(A))) is not None


async def test_an_idle_owner_learns_with_its_next_batch_that_it_was_replaced(run: Run) -> None:
    async with owner(run) as old, owner(run) as new:
        await old.claim("old")
        await old.commit(batch(life(A, "initiated")))
        assert (await new.claim("new")).offset == 1
        with pytest.raises(Fenced):
            await old.commit(batch(life(A, "submitted"), 1))
        await new.commit(batch(life(A, "submitted"), 1))
    connection = await run.connect()
    assert await connection.fetchval("SELECT revision FROM open_orders") == 2
    await connection.close()


async def test_the_epoch_alone_refuses_a_commit_even_where_nobody_was_terminated(run: Run) -> None:
    """As when the former owner's backend could not be found: its connection lives, its right does not."""
    connection = await run.connect()
    async with owner(run) as old, owner(run) as new:
        await old.claim("old")
        backend = await backend_of_owner(connection)
        await connection.execute("UPDATE checkpoint SET backend_start = '2000-01-01'")
        await new.claim("new")
        assert await connection.fetchval("SELECT true FROM pg_stat_activity WHERE pid = $1", backend)
        before = await read_tables(connection)
        with pytest.raises(Fenced, match="epoch 1 may not commit"):
            await old.commit(batch(life(A)))
        assert await read_tables(connection) == before
        await new.commit(batch(life(A)))
    assert await connection.fetchval("SELECT count(*) FROM timeline") == 10
    await connection.close()


async def test_nobody_takes_a_partition_over_between_a_batchs_work_and_its_commit(run: Run) -> None:
    """From its first statement on a batch holds the checkpoint's row."""
    connection = await run.connect()
    await connection.execute("SET lock_timeout = '100ms'")
    paused = Pausing()
    async with owner(run, paused) as old:
        await old.claim("old")
        late = asyncio.create_task(old.commit(batch(life(A))))
        await paused.reached.wait()
        with pytest.raises(asyncpg.LockNotAvailableError):
            await connection.execute("UPDATE checkpoint SET epoch = epoch + 1")
        paused.go_on.set()
        assert await late is not None
    await connection.close()


async def test_whoever_claims_last_wins_among_many(run: Run) -> None:
    claimed = 0

    async def claim_and_commit(number: int) -> bool:
        nonlocal claimed
        async with owner(run) as one:
            try:
                offset = (await one.claim(f"owner {number}")).offset
            except CONNECTION_LOST:
                return False  # terminated by the next one that claims
            claimed += 1
            try:
                await one.commit(batch(life(A), offset))
            except Fenced:
                return False
            return True

    async with asyncio.timeout(60):
        won = await asyncio.gather(*[claim_and_commit(number) for number in range(6)])
    assert any(won)
    connection = await run.connect()
    assert await connection.fetchval("SELECT count(*) FROM timeline") == 10
    row = await connection.fetchrow("SELECT next_offset, applied, duplicates, epoch FROM checkpoint")
    assert (row["next_offset"], row["applied"]) == (10 * sum(won), 10)
    assert row["duplicates"] == 10 * (sum(won) - 1)
    assert row["epoch"] >= claimed >= sum(won)
    await check_consistent(connection)
    await connection.close()


async def test_a_partition_let_go_cannot_be_committed_to(run: Run) -> None:
    async with instance(run) as running:
        await running.commit(batch(life(A)))
        await running.release(0)
        await running.release(0)
        with pytest.raises(Fenced):
            await running.commit(batch(life(B), 10))
        assert (await running.claim(0)).offset == 10
        await running.commit(batch(life(B), 10))
