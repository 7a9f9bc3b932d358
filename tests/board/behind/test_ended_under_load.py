"""An instance ends while many look and act: nobody gets an error, nothing is lost, nothing is done twice."""

from __future__ import annotations

import asyncio
import itertools
import signal
from dataclasses import dataclass, field

import httpx
import pytest

from tests.board.behind.conftest import Farm
from tests.board.behind.test_acting import done
from tests.board.signin.test_acting import found_form
from tests.board.stock import publish
from tests.board.support import Board
from tests.support.events import event, message
from tests.support.pipelines import caught_up
from tests.support.waiting import until

LOOKING, ACTING, WATCHING = 40, 10, 6
"""So many clients ask for one page after the other, add notes, and have an event stream open."""

PAGES = ("/", "/orders", "/orders/ODD-1", "/stuck", "/pipeline", "/api/board", "/api/orders?limit=50")
ROUNDS = 20


@dataclass
class Load:
    """What clients were answered."""

    answered: int = 0
    noted: int = 0
    troubles: list[str] = field(default_factory=list)

    def take(self, what: str, answer: httpx.Response, status: int = 200) -> None:
        """Count an answer."""
        self.answered += 1
        if answer.status_code != status:
            self.troubles.append(f"{what}: {answer.status_code} {answer.text[:200]}")


async def look(board: Board, load: Load, first: int) -> None:
    for number in range(first, first + ROUNDS):
        path = PAGES[number % len(PAGES)]
        try:
            load.take(path, await board.client.get(path))
        except httpx.TransportError as error:
            load.troubles.append(f"{path}: {error!r}")


async def act(board: Board, load: Load, who: int) -> None:
    for number in range(ROUNDS // 4):
        try:
            form = found_form((await board.client.get("/orders/LOAD")).text)
            answer = await board.client.post(
                "/orders/LOAD/note",
                data={"form": form, "text": f"{who}, {number}"},
                headers={"Sec-Fetch-Site": "same-origin"},
            )
            load.take("a note", answer, 303)
            load.noted += 1
        except httpx.TransportError as error:
            load.troubles.append(f"a note: {error!r}")


async def watch(board: Board, load: Load, cuts: list[str]) -> None:
    """Have an event stream open, and open another when it ends, as a browser does."""
    while True:
        try:
            async with board.client.stream("GET", "/api/events", timeout=60) as answer:
                if answer.status_code != 200:
                    load.troubles.append(f"a stream: {answer.status_code}")
                async for _ in answer.aiter_bytes():
                    pass
            cuts.append("ended")
        except httpx.TransportError as error:
            cuts.append(f"cut: {error!r}")


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
async def test_nobody_notices(farm: Farm, end: signal.Signals) -> None:
    await publish(farm.run, message(event("LOAD", "initiated")))
    await caught_up(farm.run)
    before, load, cuts = len(await done(farm)), Load(), list[str]()
    instance = farm.instances[2]
    async with farm.visitor("otto") as board, asyncio.TaskGroup() as clients:
        watching = [clients.create_task(watch(board, load, cuts)) for _ in range(WATCHING)]

        async def watched() -> bool:
            return await instance.readers() == WATCHING / len(farm.instances)

        await until(watched, "the streams to be open, as many at each instance")
        at_work = [clients.create_task(look(board, load, number)) for number in range(LOOKING)]
        at_work += [clients.create_task(act(board, load, number)) for number in range(ACTING)]
        total = LOOKING * ROUNDS + ACTING * (ROUNDS // 4)

        async def in_the_middle() -> bool:
            return load.answered > total / 4

        await until(in_the_middle, "a quarter of the load")
        known = len(farm.front.asked())
        instance.send(end)
        code = await instance.ended()
        assert load.answered < total / 1.1, "the load was over before the end"
        await asyncio.gather(*at_work)
        for task in watching:
            task.cancel()
    assert load.troubles == []
    assert load.answered == total
    assert code == (0 if end == signal.SIGTERM else -signal.SIGKILL)
    assert len(cuts) == WATCHING / len(farm.instances), cuts
    if end == signal.SIGTERM:
        assert cuts == ["ended"] * len(cuts), "streams end by themselves"
        assert "graceful" not in instance.log.read_text()
    asked = farm.front.asked()[known:]
    again = [ports for _, _, ports in asked if ports[0] == str(instance.port) and len(ports) > 1]
    assert again, "nginx asked another instance in its place"
    notes = [one["data"]["text"] for one in (await done(farm))[before:]]
    wanted = [f"{who}, {number}" for who, number in itertools.product(range(ACTING), range(ROUNDS // 4))]
    assert sorted(notes) == sorted(wanted)
