"""Who owns a partition, and that nobody else can move its checkpoint (I5)."""

from __future__ import annotations

import asyncio
import time
from contextlib import nullcontext
from typing import Any

import asyncpg
import pytest

from pipelines.engine.stores import checkpoints, writes
from pipelines.engine.stores.checkpoints import Claim, Tally
from pipelines.engine.stores.ledger import LedgerRow, Opened, enters, opens
from pipelines.engine.stores.postgres import CONNECTION_LOST
from schemas.errors import Fenced
from tests.stores.support import undone
from tests.support.events import START
from tests.support.runs import Run
from tests.support.waiting import until

NOTHING = Tally(applied=0, duplicates=0, quarantined=0, parked=0)


async def _row(connection: asyncpg.Connection) -> asyncpg.Record:
    row: asyncpg.Record = await connection.fetchrow("SELECT * FROM checkpoint WHERE partition = 0")
    return row


async def test_a_first_claim_begins_at_the_beginning(run: Run) -> None:
    connection = await run.connect()
    assert await checkpoints.claim(connection, 0, "host:1") == Claim(0, 1, 0)
    row = await _row(connection)
    assert (row["owner"], row["epoch"], row["next_offset"]) == ("host:1", 1, 0)
    assert row["backend_pid"] == connection.get_server_pid()
    assert row["backend_start"] is not None
    await connection.close()


async def test_partitions_are_owned_each_by_itself(run: Run) -> None:
    connections = [await run.connect() for _ in range(3)]
    claims = [await checkpoints.claim(connection, p, "o") for p, connection in enumerate(connections)]
    assert claims == [Claim(0, 1, 0), Claim(1, 1, 0), Claim(2, 1, 0)]
    for connection in connections:
        assert not connection.is_closed()
        assert await connection.fetchval("SELECT 1") == 1
        await connection.close()


async def test_an_owner_may_claim_again_what_it_has_and_lives(run: Run) -> None:
    connection = await run.connect()
    await checkpoints.claim(connection, 0, "o")
    assert (await checkpoints.claim(connection, 0, "o")).epoch == 2
    assert await connection.fetchval("SELECT 1") == 1
    await connection.close()


async def test_a_claim_terminates_the_former_owner_though_it_sits_in_an_open_transaction(run: Run) -> None:
    frozen, new = await run.connect(), await run.connect()
    held = await checkpoints.claim(frozen, 0, "old")
    await frozen.execute("BEGIN")
    await checkpoints.advance(frozen, held, 0, 1, START, NOTHING)
    await frozen.execute("INSERT INTO order_index (order_id, opened_at) VALUES ('A', now())")
    started = time.monotonic()
    async with asyncio.timeout(8):
        assert await checkpoints.claim(new, 0, "new") == Claim(0, 2, 0)
    assert time.monotonic() - started < 8
    with pytest.raises(CONNECTION_LOST):
        await frozen.execute("COMMIT")
    assert await new.fetchval("SELECT count(*) FROM order_index") == 0
    await new.close()


async def test_a_claim_terminates_nobody_who_only_has_the_former_owners_number(run: Run) -> None:
    """Process ids come again: the start of the backend must fit, too."""
    innocent, new = await run.connect(), await run.connect()
    await checkpoints.claim(innocent, 0, "old")
    await innocent.execute("UPDATE checkpoint SET backend_start = backend_start - interval '1 second'")
    await checkpoints.claim(new, 0, "new")
    assert await innocent.fetchval("SELECT 1") == 1
    await innocent.close()
    await new.close()


class _Freezing:
    """A connection whose client freezes behind the answer to its so manyth statement, until told to go on."""

    def __init__(self, connection: asyncpg.Connection, statements: int) -> None:
        self._connection = connection
        self._left = statements
        self.frozen = asyncio.Event()
        self.woken = asyncio.Event()

    def __getattr__(self, method: str) -> Any:
        async def call(*arguments: Any) -> Any:
            answer = await getattr(self._connection, method)(*arguments)
            self._left -= 1
            if not self._left:
                self.frozen.set()
                await self.woken.wait()
            return answer

        return call


@pytest.mark.parametrize("statements", [1, 2, 3, 4])
async def test_a_claimer_that_was_frozen_takes_nothing_from_the_one_that_came_meanwhile(
    run: Run, monkeypatch: pytest.MonkeyPatch, statements: int
) -> None:
    """The broker has given it up; that its connection is dead it may notice after its claim."""
    first, old, new = [await run.connect() for _ in range(3)]
    await checkpoints.claim(first, 0, "first")
    freezing: Any = _Freezing(old, statements)
    late = asyncio.create_task(checkpoints.claim(freezing, 0, "old"))
    await freezing.frozen.wait()
    monkeypatch.setattr(checkpoints, "_LATE_SECONDS", 0.0)
    held = await checkpoints.claim(new, 0, "new")
    freezing.woken.set()
    with pytest.raises(Fenced):
        await late
    await checkpoints.advance(new, held, 0, 5, START, NOTHING)
    for connection in (first, old, new):
        connection.terminate()


async def test_a_row_a_stranger_has_locked_is_not_waited_for_for_ever(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "_LOCK_MS", 50)
    stranger, new = await run.connect(), await run.connect()
    await checkpoints.claim(new, 0, "o")
    async with undone(stranger):
        await stranger.execute("SELECT 1 FROM checkpoint FOR UPDATE")
        with pytest.raises(asyncpg.LockNotAvailableError, match="partition 0 stays locked"):
            await checkpoints.claim(new, 0, "o")
    assert (await checkpoints.claim(new, 0, "o")).epoch == 2
    await stranger.close()
    await new.close()


async def test_orders_and_events_are_entered_with_the_checkpoint_or_not_at_all(run: Run) -> None:
    connection = await run.connect(row_types=["ledger_row"])
    held = await checkpoints.claim(connection, 0, "o")
    opened = [Opened("B", 7, START), Opened("A", 5, START)]
    entries = [LedgerRow(7, bytes(16), -1, 0, 2, True), LedgerRow(5, b"x" * 16, 2**63 - 1, 0, 1, False)]
    for other, offset in [(held, 1), (Claim(0, 0, 0), 0), (Claim(0, 2, 0), 0), (Claim(1, 1, 0), 0)]:
        with pytest.raises(Fenced):
            await checkpoints.advance(connection, other, offset, 9, START, NOTHING, [opens(opened), enters(entries)])
    assert await connection.fetch("SELECT FROM order_index UNION ALL SELECT FROM ledger") == []
    await checkpoints.advance(connection, held, 0, 3, START, NOTHING, [opens(opened), enters(entries)])
    numbered = await connection.fetch("SELECT order_id, order_no, opened_at FROM order_index ORDER BY order_no")
    assert list(map(tuple, numbered)) == sorted(opened, key=lambda order: order.order_no)
    assert list(map(tuple, await connection.fetch("SELECT * FROM ledger ORDER BY order_no"))) == sorted(entries)
    with pytest.raises(asyncpg.UniqueViolationError):
        await checkpoints.advance(connection, held, 3, 4, START, NOTHING, [enters(entries[:1])])
    assert (await _row(connection))["next_offset"] == 3
    await connection.close()


async def test_the_checkpoint_moves_by_compare_and_set_and_counts(run: Run) -> None:
    connection = await run.connect(row_types=["ledger_row"])
    held = await checkpoints.claim(connection, 0, "o")
    await checkpoints.advance(connection, held, 0, 10, START, Tally(applied=5, duplicates=2, quarantined=1, parked=2))
    await checkpoints.advance(connection, held, 10, 12, START, Tally(applied=4, duplicates=0, quarantined=0, parked=-2))
    row = await _row(connection)
    assert (row["next_offset"], row["recorded_at"]) == (12, START)
    assert await connection.fetchval(
        "SELECT committed_at BETWEEN now() - interval '1 minute' AND now() FROM checkpoint"
    )
    assert (row["applied"], row["duplicates"], row["quarantined"], row["parked"]) == (9, 2, 1, 0)
    for other, offset in [(held, 0), (held, 10), (held, 13), (Claim(0, 2, 12), 12), (Claim(3, 1, 12), 12)]:
        with pytest.raises(Fenced):
            await checkpoints.advance(connection, other, offset, offset + 1, START, NOTHING)
    assert await _row(connection) == row
    await connection.close()


async def test_a_claim_tells_when_the_last_event_was_recorded_to_the_millisecond(run: Run) -> None:
    """By equality the stream is known for the one that was read."""
    connection = await run.connect()
    held, recorded_at = await checkpoints.claim(connection, 0, "o"), START.replace(microsecond=123_000)
    await checkpoints.advance(connection, held, 0, 10, recorded_at, NOTHING)
    assert await checkpoints.claim(connection, 0, "o") == Claim(0, 2, 10, recorded_at)
    await connection.close()


async def test_a_fenced_owner_changes_nothing(run: Run) -> None:
    """Its connection lives, as nobody knows of it; the epoch is what refuses it."""
    old, new = await run.connect(), await run.connect()
    held = await checkpoints.claim(old, 0, "old")
    await old.execute("UPDATE checkpoint SET backend_pid = NULL")
    taken = await checkpoints.claim(new, 0, "new")
    for attempt in (
        checkpoints.advance(old, held, 0, 5, START, NOTHING),
        checkpoints.reclaim(old, held),
    ):
        with pytest.raises(Fenced, match="partition 0 was taken over; epoch 1"):
            await attempt
    row = await _row(new)
    assert (row["epoch"], row["next_offset"], row["owner"]) == (2, 0, "new")
    await checkpoints.advance(new, taken, 0, 5, START, NOTHING)
    await old.close()
    await new.close()


async def test_after_a_lost_connection_the_owner_goes_on_under_a_new_epoch(run: Run) -> None:
    first, second = await run.connect(), await run.connect()
    held = await checkpoints.claim(first, 0, "o")
    await checkpoints.advance(first, held, 0, 5, START, NOTHING)
    first.terminate()
    again = await checkpoints.reclaim(second, held)
    assert again == Claim(0, 2, 5, START)
    assert (await _row(second))["backend_pid"] == second.get_server_pid()
    with pytest.raises(Fenced):
        await checkpoints.advance(second, held, 5, 6, START, NOTHING)
    await checkpoints.advance(second, again, 5, 6, START, NOTHING)
    await second.close()


async def test_a_partition_somebody_else_has_claimed_cannot_be_reclaimed(run: Run) -> None:
    first, second, third = [await run.connect() for _ in range(3)]
    held = await checkpoints.claim(first, 0, "old")
    await checkpoints.claim(second, 0, "new")
    with pytest.raises(Fenced):
        await checkpoints.reclaim(third, held)
    assert await second.fetchval("SELECT 1") == 1
    assert (await _row(second))["epoch"] == 2
    await second.close()
    await third.close()


async def test_of_two_who_reclaim_one_is_refused(run: Run) -> None:
    connections = [await run.connect() for _ in range(4)]
    held = await checkpoints.claim(connections[0], 0, "o")
    found = await asyncio.gather(*[checkpoints.reclaim(c, held) for c in connections[1:]], return_exceptions=True)
    assert sorted(isinstance(one, Fenced) for one in found) == [False, True, True]
    for connection in connections:
        await connection.close()


async def test_an_owner_does_not_wait_for_its_own_lost_connection(run: Run) -> None:
    """The network went, the server did not notice: the old backend still holds the checkpoint's row."""
    lost, again = await run.connect(), await run.connect()
    held = await checkpoints.claim(lost, 0, "o")
    await lost.execute("BEGIN")
    await checkpoints.advance(lost, held, 0, 1, START, NOTHING)
    try:
        async with asyncio.timeout(3):
            assert await checkpoints.reclaim(again, held) == Claim(0, 2, 0)
    finally:
        again.terminate()
        await lost.close()


async def test_many_claim_at_once_and_the_epoch_counts_them_all(run: Run) -> None:
    connections = [await run.connect() for _ in range(5)]
    async with asyncio.timeout(40):
        found = await asyncio.gather(
            *[checkpoints.claim(c, 0, str(number)) for number, c in enumerate(connections)], return_exceptions=True
        )
    claims = [claim for claim in found if isinstance(claim, Claim)]
    assert claims
    assert len({claim.epoch for claim in claims}) == len(claims)
    last = max(claims, key=lambda claim: claim.epoch)
    witness = await run.connect()
    row = await _row(witness)
    assert (row["epoch"], row["owner"]) == (last.epoch, str(found.index(last)))
    await witness.close()
    for connection in connections:
        connection.terminate()


async def test_what_takes_several_statements_takes_effect_whole_or_not_at_all(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writes, "STATEMENT_BYTES", -1)
    connection = await run.connect(row_types=["ledger_row"])
    held = await checkpoints.claim(connection, 0, "o")
    one = LedgerRow(7, bytes(16), -1, 0, 2, False)
    whole = [opens([Opened("B", 7, START)]), enters([one])]
    with pytest.raises(asyncpg.UniqueViolationError):
        await checkpoints.advance(connection, held, 0, 3, START, NOTHING, [*whole, enters([one])])
    with pytest.raises(Fenced):
        await checkpoints.advance(connection, Claim(0, 0, 0), 0, 3, START, NOTHING, whole)
    assert await connection.fetch("SELECT FROM order_index UNION ALL SELECT FROM ledger") == []
    assert not connection.is_in_transaction()
    await checkpoints.advance(connection, held, 0, 3, START, NOTHING, whole)
    assert await connection.fetchval("SELECT count(*) FROM order_index JOIN ledger USING (order_no)") == 1
    assert (await _row(connection))["next_offset"] == 3
    await connection.close()


@pytest.mark.parametrize("taken", [True, False])
async def test_an_owner_that_waits_for_its_checkpoint_commits_only_if_it_was_not_taken(run: Run, taken: bool) -> None:
    """What it compares is the row as the other leaves it, not as it was when the statement began."""
    old, other = await run.connect(), await run.connect()
    held = await checkpoints.claim(old, 0, "old")
    taking = other.transaction()
    await taking.start()
    await other.execute("UPDATE checkpoint SET epoch = epoch + 1")
    commit = asyncio.create_task(checkpoints.advance(old, held, 0, 3, START, NOTHING, [opens([Opened("A", 1, START)])]))

    async def waits() -> bool:
        query = "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $1"
        return bool(await other.fetchval(query, old.get_server_pid()))

    await until(waits, "the commit to wait for the checkpoint", seconds=20)
    await (taking.commit() if taken else taking.rollback())
    with pytest.raises(Fenced) if taken else nullcontext():
        await commit
    assert await other.fetchval("SELECT count(*) FROM order_index") == int(not taken)
    assert (await _row(other))["next_offset"] == (0 if taken else 3)
    await old.close()
    await other.close()
