"""A trouble is over where it can be no more: another member has the partition, or reading has begun after all."""

from __future__ import annotations

from pipelines.engine.broker import MemoryPositions, Position, StreamBroker
from schemas.errors import Fenced
from schemas.streams import partition_of
from tests.broker.conftest import has, serving
from tests.support.waiting import until

KEY = next(key for key in map(str, range(99)) if partition_of(key, 2) == 0)
"""Of the first partition, which the broker gives to the member that joined first."""


class Away(MemoryPositions):
    """Cannot be asked at first, as a database that is away."""

    failures = 0

    async def claim(self, partition: int) -> Position:
        if self.failures < 4:
            self.failures += 1
            raise ConnectionResetError("the database went away")
        return await super().claim(partition)


async def test_a_member_whose_partition_another_one_has_is_well(url: str, stream: str) -> None:
    failing, well, positions = StreamBroker(url), StreamBroker(url), MemoryPositions()
    seen = list[int]()

    @failing.subscriber(stream, group="g", positions=positions)
    async def fail(body: int) -> None:
        raise KeyError("only here")

    @well.subscriber(stream, group="g", positions=positions)
    async def handle(body: int) -> None:
        seen.append(body)

    async def unwell() -> bool:
        return not await failing.ping()

    async with serving(failing):
        await until(failing.ping, "the first to read")
        await failing.publish(1, stream, key=KEY)
        await until(unwell, "it to fail")
        async with serving(well):
            await until(has(seen, 1), "the other one to have the partition")
            await until(failing.ping, "the first to be well again", seconds=20)


async def test_a_claim_that_failed_is_over_once_one_succeeds(url: str, stream: str) -> None:
    """Nothing may come for hours that would prove it."""
    broker, positions = StreamBroker(url), Away()

    @broker.subscriber(stream, group="g", positions=positions)
    async def handle(body: int) -> None: ...

    async with serving(broker):
        await until(broker.ping, "all to be well", seconds=20)
    assert positions.failures == 4


async def test_who_was_fenced_is_well_once_it_has_the_partition_again(url: str, stream: str) -> None:
    broker, positions = StreamBroker(url), MemoryPositions()
    calls: list[int] = []

    @broker.subscriber(stream, group="g", positions=positions)
    async def handle(body: int) -> None:
        calls.append(body)
        await positions.store(0, 1)  # by another owner, which has done it
        raise Fenced(0, 1)

    async with serving(broker):
        await until(broker.ping, "the subscriber to read")
        await broker.publish(1, stream, key=KEY)
        await until(has(calls, 1), "the record")
        await until(broker.ping, "all to be well", seconds=20)
    assert calls == [1]
