"""Room for what is unconfirmed: bounded, first come, first served, and nothing leaks."""

from __future__ import annotations

import asyncio

from pipelines.edges.publisher.room import Room


async def test_who_comes_first_is_let_in_first_also_before_one_that_would_fit() -> None:
    room, order = Room(10, 1000), []
    await room.take(8, 100)

    async def enter(name: str, events: int, size: int) -> None:
        await room.take(events, size)
        order.append(name)

    tasks = []
    for name, events, size in (("large", 5, 100), ("small", 1, 1), ("heavy", 1, 900)):
        tasks.append(asyncio.create_task(enter(name, events, size)))
        await asyncio.sleep(0)
    assert order == []
    room.give(8, 100)
    await asyncio.wait(tasks[:2])
    assert order == ["large", "small"]
    room.give(5, 100)
    await tasks[2]
    assert order == ["large", "small", "heavy"]


async def test_who_is_cancelled_takes_nothing_and_holds_nobody_up() -> None:
    room = Room(1, 1000)
    await room.take(1, 1)
    gone, next_one = (asyncio.create_task(room.take(1, 1)) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait({gone})
    room.give(1, 1)
    await next_one
    # Cancelled in the very moment in which it is let in.
    late, last = (asyncio.create_task(room.take(1, 1)) for _ in range(2))
    await asyncio.sleep(0)
    room.give(1, 1)
    late.cancel()
    await asyncio.wait({late})
    await last
