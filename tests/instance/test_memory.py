"""An owner remembers the orders it has just changed; never what another owner, or a lost batch, made untrue."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.engine.instance import memory
from pipelines.engine.instance.batch import take_effect
from pipelines.engine.instance.memory import MOST_EVENTS, Entries, Known, Memory
from pipelines.engine.stores.ledger import Found, look_up
from pipelines.engine.stores.writes import Write
from pipelines.flows.views.projection import Views
from pipelines.flows.views.tables import Change
from schemas.views import OrderState
from tests.instance.direct import batch, orders_of
from tests.instance.owners import Sent, owner
from tests.instance.tables import check_consistent
from tests.support.events import event
from tests.support.proxy import proxied
from tests.support.runs import Run

A, B, C = orders_of(0, 3)


class Asking(Views):
    """Notes how many orders' states are asked of the database, and fails `failures` times before it writes."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[int] = []
        self.failures = 0

    async def load(self, connection: asyncpg.Connection, order_nos: Sequence[int]) -> dict[int, OrderState]:
        self.asked.append(len(order_nos))
        return await super().load(connection, order_nos)

    def writes(self, partition: int, changes: Sequence[Change]) -> list[Write]:
        if self.failures:
            self.failures -= 1
            raise asyncpg.DeadlockDetectedError("someone was quicker")
        return super().writes(partition, changes)


def test_only_the_orders_changed_last_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "MOST", 3)
    remembered: Memory[str] = Memory()
    for number, name in enumerate("abcda"):
        remembered.keep(name, Known(number, name, None))
        remembered.trim()
    assert remembered.recall("abcdx") == {"a": Known(4, "a", None), "c": Known(2, "c", None), "d": Known(3, "d", None)}
    remembered.forget("c")
    remembered.forget("c")
    assert set(remembered.recall("abcd")) == {"a", "d"}
    remembered.clear()
    assert remembered.recall("abcd") == {}


@given(st.lists(st.tuples(st.binary(min_size=16, max_size=16), st.integers(-(2**63), 2**63 - 1)), max_size=20))
def test_entries_are_found_by_identity(events: list[tuple[bytes, int]]) -> None:
    entries = Entries()
    for identity, content in (expected := dict(events)).items():
        assert entries.content(identity) is None
        more = entries.with_event(identity, content)
        assert more is not None
        entries = more
    assert len(entries) == len(expected)
    assert {identity: entries.content(identity) for identity in expected} == expected


def test_bytes_across_two_entries_are_no_identity() -> None:
    entries = Entries(bytes(range(48)))
    across = bytes(range(20, 36))
    assert entries.content(across) is None
    assert entries.content(bytes(range(24, 40))) == int.from_bytes(bytes(range(40, 48)), "big")
    both = entries.with_event(across, 7)
    assert both is not None
    assert both.content(across) == 7


def test_of_an_order_with_many_events_they_are_not_remembered() -> None:
    entries: Entries | None = Entries(bytes(24 * (MOST_EVENTS - 1)))
    assert entries is not None
    entries = entries.with_event(bytes(16), 0)
    assert entries is not None
    assert entries.with_event(bytes(16), 0) is None


async def test_of_an_order_it_opened_the_owner_knows_what_the_ledger_has(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    async def noted(connection: asyncpg.Connection, questions: Sequence[bytes]) -> list[Found]:
        asked.append(len(questions))
        return await look_up(connection, questions)

    monkeypatch.setattr("pipelines.engine.stores.ledger.look_up", noted)
    first, second = event(A, "initiated"), event(A, "submitted")
    conflicting = {**first, "data": {"customer_id": "somebody else"}}
    async with owner(run) as one:
        await one.claim("one")
        await one.commit(batch([first, event(B, "initiated")]))
        await one.commit(batch([second, first, conflicting, second], 2))
        done = await one.commit(batch([first, second, conflicting, event(B, "submitted")], 6))
    assert asked == [2, 0, 0]
    assert done is not None
    assert (done.tally.applied, done.tally.duplicates, done.tally.quarantined) == (1, 2, 1)
    connection = await run.connect()
    assert await connection.fetchval("SELECT array_agg(stream_offset ORDER BY 1) FROM quarantine") == [4, 8]
    await connection.close()
    await _check(run, {A: ("submitted", 2), B: ("submitted", 2)})


async def test_who_has_let_go_remembers_nothing(run: Run) -> None:
    """After each lost connection there is another owner, and the former may be garbage for long."""
    async with owner(run) as one:
        await one.claim("one")
        await one.commit(batch([event(A, "initiated")]))
        assert one._memory.recall([A])
        await one.let_go()
        assert not one._memory.recall([A])


async def test_of_an_order_with_more_events_than_are_remembered_the_ledger_is_asked(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "MOST_EVENTS", 2)
    asked: list[int] = []

    async def noted(connection: asyncpg.Connection, questions: Sequence[bytes]) -> list[Found]:
        asked.append(len(questions))
        return await look_up(connection, questions)

    monkeypatch.setattr("pipelines.engine.stores.ledger.look_up", noted)
    events = [event(A, name) for name in ("initiated", "submitted", "price_calculated")]
    async with owner(run) as one:
        await one.claim("one")
        await one.commit(batch(events))
        done = await one.commit(batch(events, 3))
    assert asked == [3, 3]
    assert done is not None
    assert (done.tally.applied, done.tally.duplicates) == (0, 3)
    await _check(run, {A: ("price_calculated", 3)})


async def test_an_order_another_owner_opened_is_looked_up_in_the_ledger(run: Run) -> None:
    first, second = event(A, "initiated"), event(A, "submitted")
    async with owner(run) as one, owner(run) as two:
        await one.claim("one")
        await one.commit(batch([first]))
        await two.claim("two")
        await two.commit(batch([second], 1))
        done = await two.commit(batch([first, second, event(A, "price_calculated")], 2))
    assert done is not None
    assert (done.tally.applied, done.tally.duplicates) == (1, 2)
    await _check(run, {A: ("price_calculated", 3)})


async def test_a_remembered_order_is_not_asked_for_again(run: Run) -> None:
    views = Asking()
    async with owner(run, views) as one:
        await one.claim("one")
        await one.commit(batch([event(A, "initiated"), event(B, "initiated")]))
        await one.commit(batch([event(A, "submitted"), event(C, "initiated"), event(A, "initiated")], 2))
        await one.commit(batch([event(A, "price_calculated"), event(B, "submitted")], 5))
    assert views.asked == [0, 0, 0]
    await _check(run, {A: ("price_calculated", 3), B: ("submitted", 2), C: ("initiated", 1)})


async def test_of_many_orders_the_first_are_asked_for_again(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "MOST", 2)
    views = Asking()
    async with owner(run, views) as one:
        await one.claim("one")
        await one.commit(batch([event(order, "initiated") for order in (A, B, C)]))
        await one.commit(batch([event(order, "submitted") for order in (A, B, C)], 3))
    assert views.asked == [0, 1]
    await _check(run, dict.fromkeys((A, B, C), ("submitted", 2)))


async def test_a_batch_that_was_rolled_back_leaves_nothing_in_memory(run: Run) -> None:
    views = Asking()
    async with owner(run, views) as one:
        await one.claim("one")
        views.failures = 2
        await one.commit(batch([event(A, "initiated")]))
        views.failures = 2
        await one.commit(batch([event(A, "submitted"), event(B, "initiated")], 1))
        await one.commit(batch([event(A, "price_calculated")], 3))
    await _check(run, {A: ("price_calculated", 3), B: ("initiated", 1)})


async def test_of_a_batch_that_cannot_be_written_nothing_is_remembered(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> list[Write]:
        raise ValueError("no value of ours")

    views = Views()
    async with owner(run, views) as one:
        await one.claim("one")
        await one.commit(batch([event(A, "initiated")]))
        with monkeypatch.context() as patched:
            patched.setattr(views, "writes", refused)
            with pytest.raises(ValueError, match="no value of ours"):
                await one.commit(batch([event(A, "submitted")], 1))
        await one.commit(batch([event(A, "submitted")], 1))
    await _check(run, {A: ("submitted", 2)})


async def test_what_a_wrong_memory_would_let_through_the_ledger_refuses_and_all_is_asked_anew(run: Run) -> None:
    """A defect that must not be one: the memory knows nothing of an event that took effect."""
    async with owner(run) as one:
        await one.claim("one")
        await one.commit(batch([event(A, "initiated"), event(A, "submitted")]))
        known = one._memory.recall([A])[A]
        one._memory.keep(A, known._replace(entries=Entries()))
        async with asyncio.timeout(20):
            done = await one.commit(batch([event(A, "submitted"), event(A, "price_calculated")], 2))
    assert done is not None
    assert (done.tally.applied, done.tally.duplicates) == (1, 1)
    await _check(run, {A: ("price_calculated", 3)})


async def test_what_another_owner_did_meanwhile_is_asked_for(run: Run) -> None:
    views = Asking()
    async with owner(run, views) as one, owner(run) as two:
        await one.claim("one")
        await one.commit(batch([event(A, "initiated")]))
        await two.claim("two")
        await two.commit(batch([event(A, "submitted")], 1))
        await one.claim("one")
        await one.commit(batch([event(A, "price_calculated")], 2))
    assert views.asked == [0, 1]
    await _check(run, {A: ("price_calculated", 3)})


async def test_after_a_commit_in_doubt_the_state_is_asked_for(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection dies with the answer on its way: what took effect is known to the database only."""
    sent = Sent(monkeypatch)
    async with proxied(run.settings.postgres_dsn) as (dsn, proxy), owner(run, dsn=dsn) as own:
        await own.claim("test")
        await own.commit(batch([event(A, "initiated")]))
        sent.forget()
        swallowed = False

        def swallow(piece: bytes) -> bytes:
            nonlocal swallowed
            if not sent.answered_by(piece) or swallowed:
                return piece
            swallowed = True
            proxy.cut()
            return b""

        proxy.spoil = swallow
        async with asyncio.timeout(20):
            assert await own.commit(batch([event(A, "submitted")], 1)) is None
        await own.commit(batch([event(A, "price_calculated")], 2))
    await _check(run, {A: ("price_calculated", 3)})


async def test_after_a_commit_cancelled_in_doubt_the_state_is_asked_for(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = Sent(monkeypatch)
    async with proxied(run.settings.postgres_dsn) as (dsn, proxy), owner(run, dsn=dsn) as own:
        await own.claim("test")
        await own.commit(batch([event(A, "initiated")]))
        sent.forget()
        committed = asyncio.Event()

        def withhold(piece: bytes) -> bytes:
            if sent.answered_by(piece):
                committed.set()
            return b"" if committed.is_set() else piece

        proxy.spoil = withhold
        commit = asyncio.create_task(own.commit(batch([event(A, "submitted")], 1)))
        async with asyncio.timeout(20):
            await committed.wait()
            commit.cancel()
            await asyncio.wait({commit})
            proxy.spoil = None
            await own.commit(batch([event(A, "price_calculated")], 2))
    assert commit.cancelled()
    await _check(run, {A: ("price_calculated", 3)})


async def test_a_cancellation_that_an_error_has_taken_the_place_of_leaves_nothing_in_memory(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its batch took effect, as a statement that was given up may."""

    async def commits_and_dies(*given: Any) -> None:
        await take_effect(*given)
        monkeypatch.undo()
        await asyncio.sleep(0)
        asyncio.current_task().cancel()  # type: ignore[union-attr]
        raise TimeoutError

    async with owner(run) as own:
        await own.claim("test")
        await own.commit(batch([event(A, "initiated")]))
        monkeypatch.setattr("pipelines.engine.instance.owner.take_effect", commits_and_dies)
        commit = asyncio.create_task(own.commit(batch([event(A, "submitted")], 1)))
        async with asyncio.timeout(20):
            await asyncio.wait({commit})
            await own.commit(batch([event(A, "price_calculated")], 2))
    assert commit.cancelled()
    await _check(run, {A: ("price_calculated", 3)})


async def test_an_order_that_waits_parked_is_asked_for_every_time(run: Run) -> None:
    newer = event(A, "packaging", type="order.packaging.v2")
    async with owner(run) as one:
        await one.claim("one")
        await one.commit(batch([event(A, "initiated")]))
        await one.commit(batch([newer], 1))
        await one.commit(batch([event(A, "submitted")], 2))
    connection = await run.connect()
    assert await connection.fetchval("SELECT array_agg(stream_offset ORDER BY stream_offset) FROM parked") == [1, 2]
    await connection.close()
    await _check(run, {A: ("initiated", 1)})


async def _check(run: Run, expected: dict[str, tuple[str, int]]) -> None:
    connection = await run.connect()
    rows = await connection.fetch("SELECT order_id, stage, revision FROM open_orders")
    assert {row["order_id"]: (row["stage"], row["revision"]) for row in rows} == expected
    await check_consistent(connection)
    await connection.close()
