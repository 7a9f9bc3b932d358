"""A service with many writers that do all that transactions can do, and the proof of what the stream must hold.

What was committed, and in which order, the database says: behind each event its transaction draws the next number of
the event's order, in tables of the service's own.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import uuid
from collections import Counter, defaultdict

import asyncpg
import orjson

from pipelines.edges.outbox.installation import install
from pipelines.engine.stores.postgres import DATABASE_ERRORS
from pipelines.engine.transport import body_of, end_offset, read_stream
from schemas.streams import partition_name, partition_of
from tests.support.runs import Run
from tests.support.waiting import until

_TABLES = """
    CREATE TABLE shop_order (order_id text PRIMARY KEY, events bigint NOT NULL DEFAULT 0);
    CREATE TABLE shop_event (event_id text PRIMARY KEY, order_id text NOT NULL, number bigint NOT NULL);
"""
_PUBLISH = "SELECT warren_outbox.publish($1, 'order.note_added.v1', '{}', $2)"
_DRAW = "UPDATE shop_order SET events = events + 1 WHERE order_id = $1 RETURNING events"
_KEEP = "INSERT INTO shop_event VALUES ($1, $2, $3)"


class Undone(Exception):
    """A transaction rolls back."""


class Shop:
    """Writes until told to stop. `written` counts transactions that were tried."""

    def __init__(self, run: Run, seed: int, *, orders: int = 12, writers: int = 6) -> None:
        self._run = run
        self._dsn = run.settings.postgres_dsn
        self._chance = random.Random(seed)
        self._orders = [f"S{number}" for number in range(orders)]
        self._writers = writers
        self._stopping = False
        self._tasks: list[asyncio.Task[None]] = []
        self.written = 0

    async def open(self) -> None:
        """Make the tables and the outbox, and begin to write."""
        await install(self._dsn, "/shop")
        connection = await asyncpg.connect(self._dsn)
        await connection.execute(_TABLES)
        await connection.executemany("INSERT INTO shop_order VALUES ($1)", [(order,) for order in self._orders])
        await connection.close()
        self._tasks = [asyncio.create_task(self._write()) for _ in range(self._writers)]

    async def progress(self, transactions: int) -> None:
        """Wait until so many more were tried."""
        wanted = self.written + transactions

        async def reached() -> bool:
            return self.written >= wanted

        await until(reached, f"{transactions} more transactions", seconds=120)

    async def close(self) -> None:
        """Stop writing: what is under way ends."""
        self._stopping = True
        await asyncio.gather(*self._tasks)

    async def _write(self) -> None:
        while not self._stopping:
            try:
                connection = await asyncpg.connect(self._dsn, timeout=5, command_timeout=20)
            except DATABASE_ERRORS:
                await asyncio.sleep(0.1)
                continue
            with contextlib.suppress(*DATABASE_ERRORS):
                while not self._stopping:
                    with contextlib.suppress(Undone, asyncpg.DeadlockDetectedError):
                        await self._transaction(connection)
                    self.written += 1
            connection.terminate()

    async def _transaction(self, connection: asyncpg.Connection) -> None:
        chance = self._chance
        orders = chance.sample(self._orders, chance.randint(1, 3))
        if chance.random() < 0.9:
            orders.sort()  # else two may wait for each other, and one is rolled back
        async with connection.transaction():
            for order in sorted(chance.choices(orders, k=chance.choice((1, 1, 2, 5, 20))), key=orders.index):
                await self._event(connection, order)
            if chance.random() < 0.2:
                with contextlib.suppress(Undone):
                    async with connection.transaction():
                        await self._event(connection, orders[-1])
                        raise Undone
                await self._event(connection, orders[-1])
            fate = chance.random()
            if fate < 0.05:
                await asyncio.sleep(chance.uniform(0.05, 0.5))
            elif fate < 0.2:
                raise Undone
            elif fate < 0.23:
                connection.terminate()  # the server finds out, and rolls back
                raise ConnectionResetError

    async def _event(self, connection: asyncpg.Connection, order: str) -> None:
        event_id = str(uuid.UUID(int=self._chance.getrandbits(128)))
        await connection.execute(_PUBLISH, order, event_id)
        await connection.execute(_KEEP, event_id, order, await connection.fetchval(_DRAW, order))

    async def until_published(self) -> None:
        """Wait until nothing is pending."""
        connection = await asyncpg.connect(self._dsn)

        async def nothing() -> bool:
            return bool(await connection.fetchval("SELECT NOT EXISTS (SELECT FROM warren_outbox.pending)"))

        await until(nothing, "the outbox to be published", seconds=120)
        await connection.close()

    async def committed(self) -> dict[str, list[str]]:
        """Return each order's events that were committed, in commit order."""
        connection = await asyncpg.connect(self._dsn)
        orders: defaultdict[str, list[str]] = defaultdict(list)
        for row in await connection.fetch("SELECT order_id, event_id FROM shop_event ORDER BY number"):
            orders[row["order_id"]].append(row["event_id"])
        await connection.close()
        return dict(orders)

    async def published(self) -> dict[int, list[tuple[str, str]]]:
        """Return what each partition holds: orders and event ids, in stream order."""
        settings = self._run.settings
        found: dict[int, list[tuple[str, str]]] = {}
        for partition in range(settings.partitions):
            stream = partition_name(settings.super_stream, partition)
            end = await end_offset(settings.stream_url, stream)
            fields = [
                orjson.loads(body_of(record))
                async for chunk in read_stream(settings.stream_url, stream, 0, end)
                for record in chunk.records
            ]
            found[partition] = [(event["subject"], event["id"]) for event in fields]
        return found

    async def prove(self, *, once: bool = True) -> None:
        """Every committed event is in the stream, `once` in its home partition, no other is, each order's in commit
        order.

        Not `once`: an event may be there again; its first occurrences are in order.
        """
        await self.close()
        await self.until_published()
        committed, orders = await self.committed(), defaultdict(list)
        for partition, events in (await self.published()).items():
            if once:
                twice = [event for event, count in Counter(events).items() if count > 1]
                assert not twice, f"partition {partition} holds {len(twice)} events twice: {twice[:3]}"
            for order, event_id in dict.fromkeys(events):
                assert partition_of(order, self._run.settings.partitions) == partition
                orders[order].append(event_id)
        assert sum(map(len, committed.values())) > 0
        assert {order: len(ids) for order, ids in orders.items()} == {o: len(ids) for o, ids in committed.items()}
        assert dict(orders) == committed
