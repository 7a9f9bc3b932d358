"""However many events an outbox holds, what a relay asks of it touches those it is about: by index, and few pages."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any, cast

import asyncpg
import pytest

from cli.localservers import Addresses
from pipelines.edges.outbox import SCHEMA, assignment, lag
from pipelines.edges.outbox.assignment import Assignment
from pipelines.engine.stores.named_sql import named_sql
from pipelines.engine.stores.postgres import BY_KEY, connect
from tests.outbox.databases import outbox_in, server_of
from tests.outbox.relaying import publish

ROWS = 50_000
SEGMENTS = ("event_0", "event_1", "event_2", "event_3")
FEW_PAGES = 200
"""The event table and its indexes have some 3000 pages here, and no look at less than a batch needs more than these."""

PUBLISH = "warren_outbox.publish('A' || i % 500, 'order.initiated.v1')"


class Explained:
    """A connection that explains the named statements before it runs them, over their real arguments."""

    def __init__(self, connection: asyncpg.Connection, dsn: str, *, analysed: bool) -> None:
        self.plain, self.dsn, self.analysed = connection, dsn, analysed
        self.plans: list[dict[str, Any]] = []

    async def fill(self) -> None:
        """Write many events, in two transactions."""
        for _ in range(2):
            await self.plain.execute(f"SELECT count({PUBLISH}) FROM generate_series(1, {ROWS // 2}) AS i")
        if self.analysed:
            await self.plain.execute("ANALYZE event")

    async def load(self) -> Assignment:
        """Take over as a relay does."""
        return await Assignment.load(cast(asyncpg.Connection, self), 4)

    async def explain(self, sql: str, *arguments: object) -> None:
        """Note the plan of a statement that was run, and undo what it did."""
        undone = self.plain.transaction()
        await undone.start()
        places = ", ".join(map(_literal, arguments))
        await self.plain.execute(f"PREPARE explained AS {_without_comments(sql)}")
        call = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE explained"
        (plan,) = json.loads(await self.plain.fetchval(f"{call} ({places})" if arguments else call))
        await self.plain.execute("DEALLOCATE explained")
        await undone.rollback()
        self.plans.append(plan["Plan"])

    async def fetchrow(self, sql: str, *arguments: object) -> asyncpg.Record | None:
        await self.explain(sql, *arguments)
        row: asyncpg.Record | None = await self.plain.fetchrow(sql, *arguments)
        return row

    async def fetch(self, sql: str, *arguments: object) -> list[asyncpg.Record]:
        await self.explain(sql, *arguments)
        rows: list[asyncpg.Record] = await self.plain.fetch(sql, *arguments)
        return rows

    def __getattr__(self, name: str) -> Any:
        return getattr(self.plain, name)

    def check(self, *, rows: int, pages: int = FEW_PAGES) -> None:
        """Check that every statement since the last check went by indexes and read no more than this of the events."""
        assert self.plans
        for plan in self.plans:
            looked_at = 0
            for node in _nodes(plan):
                if node.get("Relation Name") not in SEGMENTS or not node["Actual Loops"]:
                    continue
                assert node["Node Type"] in ("Index Scan", "Index Only Scan"), node
                read = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
                looked_at += read * node["Actual Loops"]
            assert looked_at <= rows, plan
            assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] <= pages, plan
        self.plans.clear()


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


def _literal(value: object) -> str:
    if isinstance(value, list):
        return f"'{{{','.join(map(str, value))}}}'"
    return "NULL" if value is None else f"'{value}'"


def _without_comments(sql: str) -> str:
    return "\n".join(line for line in sql.splitlines() if not line.startswith("--"))


@pytest.fixture(params=["never analysed", "analysed"])
async def relay(servers: Addresses, request: pytest.FixtureRequest) -> AsyncIterator[Explained]:
    """The connection of a relay."""
    async with outbox_in(server_of(servers)) as dsn:
        connection = await connect(dsn, SCHEMA, planning=BY_KEY)
        await connection.execute("ALTER TABLE event_0 SET (autovacuum_enabled = false)")
        yield Explained(connection, dsn, analysed=request.param == "analysed")
        await connection.close()


async def _drain(connection: asyncpg.Connection) -> int:
    """Do all there is to do; return how many events there were."""
    noting, found = await Assignment.load(connection, 4), 0
    while batch := await noting.next():
        found += len(batch.messages)
        noting.confirmed(batch)
    await noting.settle()
    return found


async def _looks(relay: Explained) -> None:
    """Explain what else is asked every few seconds."""
    for name, argument in (("lag", lag.COUNTED), ("pending_some", 1000)):
        await relay.explain(named_sql(lag.__package__, name), argument)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> int:
    """A batch's size that ends windows in the middle."""
    monkeypatch.setattr(assignment, "BATCH_EVENTS", 1500)
    return 1500


async def test_among_many_confirmed_events_only_new_ones_are_read(relay: Explained, few: int) -> None:
    old = await asyncpg.connect(relay.dsn)
    forgotten = old.transaction()
    await forgotten.start()
    await publish(old, "held", "initiated")
    await relay.fill()
    assert await _drain(relay.plain) == ROWS

    noting = await relay.load()
    assert await noting.next() is None
    await _looks(relay)
    relay.check(rows=0)

    for number in range(5):
        await publish(relay.plain, f"B{number}", "initiated")
    await _looks(relay)
    batch = await noting.next()
    assert batch is not None
    assert len(batch.messages) == 5
    await _looks(relay)
    relay.check(rows=3 * 5)

    await forgotten.commit()
    await old.close()
    noting.confirmed(batch)
    last = await noting.next()
    assert last is not None
    assert [message.subject for _, message in last.messages] == ["held"]
    again = await relay.load()
    assert [message.subject for batch in again.unconfirmed for _, message in batch.messages] == ["held"]
    relay.check(rows=3 * 5)


async def test_a_batch_of_a_long_window_reads_no_more_than_itself(relay: Explained, few: int) -> None:
    await relay.fill()
    noting = await relay.load()
    for _ in range(5):
        assert await noting.next() is not None
    again = await relay.load()
    assert [len(batch.messages) for batch in again.unconfirmed] == [few] * 5
    # A batch is its rows, looked at once for running transactions and once for later ones, their two indexes, and the
    # note that is written; the table has ten times as many pages.
    relay.check(rows=2 * few, pages=1500)
