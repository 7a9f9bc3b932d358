"""An instance ends while many look and act: nobody gets an error, nothing is lost, nothing is done twice."""

from __future__ import annotations

import asyncio
import itertools
import signal
import socket
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
ROUNDS = 16

_LONG = 'warren_board_request_seconds_count{route="/orders/{order_id}",status="200"}'


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
            form = found_form((await board.client.get(f"/orders/LOAD-{who}")).text)
            answer = await board.client.post(
                f"/orders/LOAD-{who}/note",
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


async def test_what_an_instance_has_answered_arrives_though_it_dies(farm: Farm) -> None:
    """No other can be asked for the rest of a page."""
    notes = [event("LONG", "note_added", event_id=f"LONG-{number}", hour=number) for number in range(150)]
    await publish(farm.run, *map(message, [event("LONG", "initiated"), *notes]))
    await caught_up(farm.run)
    instance = farm.instances[0]
    async with farm.visitor("vera") as board:
        session = board.client.cookies["__Host-warren"]
        size = len((await board.text("/orders/LONG")).encode())
    assert size > 100_000
    before = await instance.metric(_LONG)
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.connect(("127.0.0.1", instance.port))
    head = f"GET /orders/LONG HTTP/1.1\r\nHost: board\r\nCookie: __Host-warren={session}\r\n\r\n"
    reader.sendall(head.encode())

    async def answered() -> bool:
        return await instance.metric(_LONG) > before

    await until(answered, "the page to be answered, which nobody reads yet")
    instance.send(signal.SIGKILL)
    await instance.ended()
    with reader, reader.makefile("rb") as pieces:
        received = await asyncio.to_thread(pieces.read)
    assert received.rstrip().endswith(b"</html>")


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
async def test_nobody_notices(farm: Farm, end: signal.Signals) -> None:
    await publish(farm.run, *(message(event(f"LOAD-{who}", "initiated")) for who in range(ACTING)))
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
