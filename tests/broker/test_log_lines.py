"""What whoever operates a broker's subscriber reads in the log: one line a trouble, and it says all."""

from __future__ import annotations

import gc
import logging
from typing import Any

import pytest
from pydantic import TypeAdapter

from pipelines.engine.broker import MemoryPositions, Offset, StreamBroker
from tests.broker.conftest import has, serving
from tests.support.proxy import proxied
from tests.support.waiting import until
from tests.transport.conftest import is_chunk


@pytest.mark.parametrize("group", [None, "g"])
@pytest.mark.parametrize("kind", ["a flipped bit", "an unknown frame"])
async def test_a_frame_that_cannot_be_read_is_one_line(
    url: str, stream: str, group: str | None, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Trap: rstream's listener dies of it with a traceback, or, silenced, without a word."""
    direct, seen, spoilt = StreamBroker(url), list[int](), list[bytes]()

    def spoil(frame: bytes) -> bytes:
        if not is_chunk(frame) or spoilt:
            return frame
        spoilt.append(frame)
        return frame[:-1] + bytes([frame[-1] ^ 1]) if kind == "a flipped bit" else b"\x77\x77\x00\x01"

    async with proxied(url) as (through, proxy), direct:
        proxy.frames = spoil
        broker = StreamBroker(through)
        positions, offset = (MemoryPositions(), None) if group else (None, Offset.first())

        @broker.subscriber(stream, group=group, positions=positions, offset=offset)
        async def handle(body: int) -> None:
            seen.append(body)

        async with serving(broker):
            await until(broker.ping, "the subscriber to read")
            await direct.publish(1, stream, key="k")
            await until(has(seen, 1), "the record")
    gc.collect()  # a task whose error nobody took is told of when it is thrown away
    told = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [(record.name, record.exc_info) for record in told] == [("pipelines.engine.broker.partition", None)]
    line = told[0].getMessage()
    assert "unreadable frame: " in line
    assert "; joining again in " in line
    assert len(line.splitlines()) == 1


async def test_an_error_of_many_lines_is_told_in_one(url: str, stream: str, caplog: pytest.LogCaptureFixture) -> None:
    broker, calls = StreamBroker(url), list[Any]()
    subscriber = broker.subscriber(stream, offset=Offset.first())

    @subscriber
    async def handle(body: Any) -> None:
        calls.append(body)
        TypeAdapter(int).validate_python(body)

    async with serving(broker):
        await broker.publish("no number", stream)
        await until(has(calls, 2), "two tries")
        [trouble] = subscriber.troubles()
    told = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert "ValidationError: 1 validation error for int Input should be a valid integer" in trouble
    assert trouble in told[0]
    assert all(len(line.splitlines()) == 1 for line in [trouble, *told])
