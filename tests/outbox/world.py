"""An outbox with writers, relays that may crash, and a broker that keeps one high-water mark per partition."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import asyncpg
from asyncpg.transaction import Transaction

from pipelines.edges.outbox.assignment import Assignment, Batch
from schemas.streams import partition_of

PARTITIONS = 3


@dataclass
class Writer:
    """A service's connection, with what its open transaction has written."""

    connection: asyncpg.Connection
    transaction: Transaction | None = None
    written: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Memory:
    """What one relay's process knows: batches noted and not confirmed, and how many messages of the first it sent."""

    batches: list[Batch] = field(default_factory=list)
    sent: int = 0

    @property
    def all_sent(self) -> bool:
        return bool(self.batches) and self.sent == len(self.batches[0].messages)


class World:
    """Every step a relay, a writer or chance can take. `orders` is what was committed: order to its events' ids;
    `confirmed` are those of which some relay has heard that the broker has them.
    """

    def __init__(self, database: asyncpg.Connection, writers: list[asyncpg.Connection]) -> None:
        self._database = database
        self._writers = [Writer(connection) for connection in writers]
        self._holders: dict[str, Writer] = {}
        self._ghosts: list[Memory] = []
        self._assignment: Assignment | None = None
        self._memory = Memory()
        self._written = 0
        self.confirmed: set[str] = set()
        self.last_ids: defaultdict[int, int] = defaultdict(int)
        self.orders: defaultdict[str, list[str]] = defaultdict(list)
        self.stream: defaultdict[int, list[tuple[str, str]]] = defaultdict(list)

    async def write(self, number: int, order: str, undone: bool) -> None:
        """Write an event in the writer's open transaction; `undone`: and roll back to before it."""
        writer = self._writers[number]
        if self._holders.get(order, writer) is not writer:
            return  # it would wait for the other's commit
        if writer.transaction is None:
            writer.transaction = writer.connection.transaction()
            await writer.transaction.start()
        self._written += 1
        name = f"{order}-{self._written}"
        publish = "SELECT warren_outbox.publish($1, 'order.note_added.v1', id => $2)"
        if undone:
            savepoint = writer.connection.transaction()
            await savepoint.start()
            await writer.connection.fetchval(publish, order, name)
            await savepoint.rollback()
        else:
            await writer.connection.fetchval(publish, order, name)
            writer.written.append((order, name))
            self._holders[order] = writer

    async def end(self, number: int, commit: bool) -> None:
        """Commit the writer's transaction, or roll it back."""
        writer = self._writers[number]
        if writer.transaction is None:
            return
        if commit:
            await writer.transaction.commit()
            for order, name in writer.written:
                self.orders[order].append(name)
        else:
            await writer.transaction.rollback()
        for order, _ in writer.written:
            self._holders.pop(order, None)
        writer.transaction, writer.written = None, []

    async def crash(self) -> None:
        """The relay ends or freezes, at whatever step it is; another one takes over from what was noted."""
        self._ghosts.append(self._memory)
        self._assignment = await Assignment.load(self._database, PARTITIONS)
        self._memory = Memory(list(self._assignment.unconfirmed))

    async def assign(self) -> bool:
        """Note the next batch; False: there is none."""
        assert self._assignment is not None
        batch = await self._assignment.next()
        if batch is not None:
            assert batch.messages
            self._memory.batches.append(batch)
        return batch is not None

    def send(self, messages: int) -> None:
        """Send so many of the messages that are next."""
        self._send(self._memory, messages)

    def confirm(self) -> None:
        """The broker has confirmed all of the oldest batch, and the relay hears of it."""
        if self._memory.all_sent:
            assert self._assignment is not None
            batch = self._memory.batches.pop(0)
            self._assignment.confirmed(batch)
            self.confirmed.update(message.message_id for _, message in batch.messages)
            self._memory.sent = 0

    async def settle(self) -> None:
        """Write down what is confirmed."""
        assert self._assignment is not None
        await self._assignment.settle()

    def haunt(self, number: int, messages: int) -> None:
        """A former relay wakes and sends on what it had noted."""
        if self._ghosts:
            ghost = self._ghosts[number % len(self._ghosts)]
            self._send(ghost, messages)
            if ghost.all_sent:
                ghost.batches.pop(0)
                ghost.sent = 0

    async def drain(self) -> None:
        """Let the relay do all there is to do."""
        while self._memory.batches or await self.assign():
            self.send(1_000_000)
            self.confirm()
        await self.settle()

    def _send(self, memory: Memory, messages: int) -> None:
        if not memory.batches:
            return
        batch = memory.batches[0]
        for publishing_id, message in batch.messages[memory.sent : memory.sent + messages]:
            home = partition_of(message.subject, PARTITIONS)
            if publishing_id > self.last_ids[home]:
                self.last_ids[home] = publishing_id
                self.stream[home].append((message.subject, message.message_id))
        memory.sent = min(len(batch.messages), memory.sent + messages)
