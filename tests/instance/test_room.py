"""Batches in hand take no more than there is room for; none waits for one that cannot go on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from pipelines.engine.instance.room import Room


class Batches:
    """Batches that want room and stay until they are told to go."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.inside: dict[str, Callable[[], None]] = {}
        self._leave: dict[str, asyncio.Event] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def come(self, name: str, size: int) -> None:
        self._leave[name] = asyncio.Event()
        self.tasks[name] = asyncio.create_task(self._stay(name, size))
        await self._settle()

    async def go(self, name: str) -> None:
        self._leave[name].set()
        await self._settle()

    async def cancel(self, *names: str) -> None:
        for name in names:
            self.tasks[name].cancel()
        await self._settle()

    async def _stay(self, name: str, size: int) -> None:
        async with self.room.taken(size) as self.inside[name]:
            await self._leave[name].wait()
        del self.inside[name]

    async def _settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)


async def test_who_comes_first_is_served_first_and_nobody_over_the_size() -> None:
    batches = Batches(Room(10))
    await batches.come("a", 6)
    await batches.come("b", 6)
    await batches.come("small", 1)
    assert list(batches.inside) == ["a"]
    await batches.go("a")
    assert list(batches.inside) == ["b", "small"]


async def test_what_needs_more_than_all_of_it_is_alone() -> None:
    batches = Batches(Room(10))
    await batches.come("small", 1)
    await batches.come("huge", 1000)
    assert list(batches.inside) == ["small"]
    await batches.go("small")
    await batches.come("next", 1)
    assert list(batches.inside) == ["huge"]
    await batches.go("huge")
    assert list(batches.inside) == ["next"]


async def test_a_batch_that_cannot_go_on_makes_way_once() -> None:
    batches = Batches(Room(10))
    await batches.come("stuck", 10)
    await batches.come("a", 6)
    await batches.come("b", 6)
    batches.inside["stuck"]()
    batches.inside["stuck"]()
    await batches.come("c", 6)
    assert list(batches.inside) == ["stuck", "a"]
    await batches.go("stuck")
    assert list(batches.inside) == ["a"]


async def test_whoever_is_cancelled_leaves_no_trace() -> None:
    batches = Batches(Room(10))
    await batches.come("a", 10)
    await batches.come("given up", 10)
    await batches.come("b", 10)
    await batches.cancel("given up")
    await batches.go("a")
    assert list(batches.inside) == ["b"]
    await batches.come("admitted", 10)
    # Admitted and cancelled in the same turn: its room must come back.
    batches._leave["b"].set()
    await asyncio.sleep(0)
    batches.tasks["admitted"].cancel()
    await batches.cancel()
    await batches.come("c", 10)
    assert list(batches.inside) == ["c"]
