"""Whatever becomes of the connection, a batch takes effect once (I2), and no error of I/O skips an event (I4)."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest
from prometheus_client import REGISTRY

from pipelines.engine.instance.batch import take_effect
from schemas.errors import StoreUnavailable
from tests.instance.direct import batch, instance, orders_of
from tests.instance.owners import Pausing, Sent, ViewsOwner, backend_of_owner, owner
from tests.instance.tables import check_consistent
from tests.support.events import event, life
from tests.support.proxy import proxied
from tests.support.runs import Run
from tests.support.waiting import until

A = orders_of(0, 1)[0]


async def _once(run: Run) -> None:
    """Assert that order A's life took effect once."""
    connection = await run.connect()
    assert await connection.fetchval("SELECT count(*) FROM timeline") == 10
    row = await connection.fetchrow("SELECT next_offset, applied, duplicates FROM checkpoint")
    assert tuple(row) == (10, 10, 0)
    await check_consistent(connection)
    await connection.close()


async def test_a_connection_lost_between_batches_is_made_anew(run: Run) -> None:
    connection = await run.connect()
    events = life(A)
    async with owner(run) as own:
        await own.claim("test")
        for offset, fields in enumerate(events):
            await connection.execute("SELECT pg_terminate_backend($1, 5000)", await backend_of_owner(connection))
            assert await own.commit(batch([fields], offset)) is not None
            assert own.trouble is None
    await connection.close()
    await _once(run)


async def test_a_claim_the_database_does_not_answer_is_one_line_and_may_be_made_again(run: Run) -> None:
    """It is no defect, so the log needs no trace of it."""
    async with proxied(run.settings.postgres_dsn) as (dsn, proxy), instance(run, claim=(), dsn=dsn) as running:
        proxy.refusing = True
        with pytest.raises(StoreUnavailable, match=r"^PostgreSQL gave no position: Connection[^\n]*$"):
            await running.claim(0)
        proxy.refusing = False
        assert (await running.claim(0)).offset == 0


class Masking(Pausing):
    """Its connection dies of a cancellation, and the error takes the cancellation's place."""

    async def stop(self) -> None:
        try:
            await super().stop()
        except asyncio.CancelledError:
            raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation") from None


async def test_a_cancellation_that_an_error_has_taken_the_place_of_ends_the_commit(run: Run) -> None:
    masking = Masking()
    async with owner(run, masking) as own:
        await own.claim("test")
        commit = asyncio.create_task(own.commit(batch(life(A))))
        await masking.reached.wait()
        commit.cancel()
        await asyncio.wait({commit}, timeout=20)
        assert commit.cancelled()
        await own.claim("test")
        masking.go_on.set()
        await own.commit(batch(life(A)))
    await _once(run)


async def test_a_connection_lost_in_mid_batch_is_made_anew_and_the_batch_done_again(run: Run) -> None:
    connection = await run.connect()
    paused = Pausing()
    async with owner(run, paused) as own:
        await own.claim("test")
        commit = asyncio.create_task(own.commit(batch(life(A))))
        await paused.reached.wait()
        await connection.execute("SELECT pg_terminate_backend($1, 5000)", await backend_of_owner(connection))
        paused.go_on.set()
        assert await asyncio.wait_for(commit, 20) is not None
    await connection.close()
    await _once(run)


async def _commit_whose_answer_is_lost(own: ViewsOwner, proxy: Any, sent: Sent) -> Any:
    """Commit; the server does it, and the connection dies before its answer arrives."""
    lost = 0

    def swallow(piece: bytes) -> bytes:
        nonlocal lost
        if sent.answered_by(piece) and not lost:
            lost += 1
            proxy.cut()
            return b""
        return piece

    proxy.spoil = swallow
    outcome = await asyncio.wait_for(own.commit(batch(life(A))), 20)
    assert lost == 1
    return outcome


async def test_after_a_commit_cancelled_in_doubt_only_the_database_says_how_it_went(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = Sent(monkeypatch)
    async with proxied(run.settings.postgres_dsn) as (dsn, proxy), owner(run, dsn=dsn) as own:
        await own.claim("test")
        committed = asyncio.Event()

        def withhold(piece: bytes) -> bytes:
            if sent.answered_by(piece):
                committed.set()
            return b"" if committed.is_set() else piece

        proxy.spoil = withhold
        commit = asyncio.create_task(own.commit(batch(life(A))))
        await committed.wait()
        commit.cancel()
        await asyncio.wait({commit}, timeout=20)
        assert commit.cancelled()
        proxy.spoil = None
        async with asyncio.timeout(20):
            _, held = await own.snapshot()
    assert held.next_offset == 10
    await _once(run)


async def test_a_commit_whose_answer_is_lost_has_taken_effect_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = Sent(monkeypatch)
    async with proxied(run.settings.postgres_dsn) as (dsn, proxy), owner(run, dsn=dsn) as own:
        await own.claim("test")
        assert await _commit_whose_answer_is_lost(own, proxy, sent) is None
        await _once(run)
        assert own.holds
        connection, held = await own.snapshot()
        assert held.next_offset == 10
        assert not connection.is_closed()
        assert await own.commit(batch([event(A, "note_added")], 10)) is not None


async def test_trouble_is_over_once_a_commit_in_doubt_is_known(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = Sent(monkeypatch)
    async with proxied(run.settings.postgres_dsn) as (dsn, proxy), owner(run, dsn=dsn) as own:
        await own.claim("test")
        await _commit_whose_answer_is_lost(own, proxy, sent)
        assert own.trouble is None


async def test_a_commit_that_never_arrived_is_done_again_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection dies when all is decided but the server has not heard it."""
    killer, kills = await run.connect(), 0

    async def write_and_die(connection: asyncpg.Connection, *rest: Any) -> None:
        nonlocal kills
        if kills < 2:
            kills += 1
            await killer.execute("SELECT pg_terminate_backend($1, 5000)", connection.get_server_pid())
        await take_effect(connection, *rest)

    monkeypatch.setattr("pipelines.engine.instance.owner.take_effect", write_and_die)
    async with owner(run) as own:
        await own.claim("test")
        assert await asyncio.wait_for(own.commit(batch(life(A))), 20) is not None
        assert own.trouble is None
    assert kills == 2
    await killer.close()
    await _once(run)


async def test_a_database_that_is_away_is_waited_for_and_said_so(run: Run) -> None:
    async with proxied(run.settings.postgres_dsn) as (dsn, proxy), owner(run, dsn=dsn) as own:
        await own.claim("test")
        proxy.refusing = True
        proxy.cut()
        commit = asyncio.create_task(own.commit(batch(life(A))))

        async def in_trouble() -> str | None:
            return own.trouble

        await until(in_trouble, "the trouble to be told", seconds=20)
        assert not commit.done()
        proxy.refusing = False
        assert await asyncio.wait_for(commit, 30) is not None
        assert own.trouble is None
    await _once(run)


async def test_a_deadlock_is_rolled_back_and_done_again(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    await _fails_once_with(run, monkeypatch, asyncpg.DeadlockDetectedError("deadlock"))


async def test_a_unique_violation_is_rolled_back_and_done_again(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    await _fails_once_with(run, monkeypatch, asyncpg.UniqueViolationError("ledger_pkey"))


async def _fails_once_with(run: Run, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    errors = [error]

    async def write_and_fail(connection: asyncpg.Connection, *rest: Any) -> None:
        async with connection.transaction():
            await take_effect(connection, *rest)
            if errors:
                raise errors.pop()

    monkeypatch.setattr("pipelines.engine.instance.owner.take_effect", write_and_fail)
    async with owner(run) as own:
        await own.claim("test")
        assert await asyncio.wait_for(own.commit(batch(life(A))), 20) is not None
    await _once(run)


async def test_a_real_deadlock_does_not_end_the_pipeline(run: Run) -> None:
    """The other session holds what the batch wants, and wants what the batch holds."""
    before = _deadlocks()
    events = life(A)
    other, observer = await run.connect(), await run.connect()
    async with owner(run) as own:
        await own.claim("test")
        await own.commit(batch(events[:1]))
        await other.execute("SET deadlock_timeout = '10s'")  # so that it is the batch that is sacrificed
        transaction = other.transaction()
        await transaction.start()
        await other.execute("SELECT FROM open_orders FOR UPDATE")
        commit = asyncio.create_task(own.commit(batch(events[1:], 1)))

        async def waits() -> bool:
            query = "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $1"
            return bool(await observer.fetchval(query, await backend_of_owner(observer)))

        await until(waits, "the batch to wait for the order")
        wants = asyncio.create_task(other.execute("SELECT FROM checkpoint WHERE partition = 0 FOR UPDATE"))
        await asyncio.wait_for(wants, 30)

        async def in_trouble() -> bool:
            return own.trouble is not None

        await until(in_trouble, "the trouble to be told")
        assert (own.trouble or "").startswith("DeadlockDetectedError: deadlock detected DETAIL: Process ")
        assert len((own.trouble or "").splitlines()) == 1
        await transaction.rollback()
        assert await asyncio.wait_for(commit, 30) is not None
    assert _deadlocks() == before + 1
    await other.close()
    await observer.close()
    await _once(run)


def _deadlocks() -> float:
    labels = {"instance": "views@1", "error": "DeadlockDetectedError"}
    return REGISTRY.get_sample_value("warren_batch_retries_total", labels) or 0.0


async def test_a_batch_cancelled_in_the_middle_is_the_next_owners(run: Run) -> None:
    paused = Pausing()
    async with owner(run, paused) as own:
        await own.claim("test")
        commit = asyncio.create_task(own.commit(batch(life(A))))
        await paused.reached.wait()
        commit.cancel()
        with pytest.raises(asyncio.CancelledError):
            await commit
        paused.go_on.set()
        async with owner(run) as following:
            assert (await following.claim("next")).offset == 0
            assert await following.commit(batch(life(A))) is not None
    await _once(run)


async def test_letting_go_is_safe_before_a_claim_and_twice(run: Run) -> None:
    async with owner(run) as own:
        await own.let_go()
        await own.let_go()
        assert not own.holds
        await own.claim("test")
        assert own.holds
        await own.let_go()
        await own.let_go()
        assert not own.holds
