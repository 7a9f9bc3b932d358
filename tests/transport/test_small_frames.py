"""A broker that takes only small frames: the publisher keeps to them, and names what fits into none."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipelines.engine.transport import Message, SuperStreamPublisher, create_super_stream, end_offset
from pipelines.engine.transport.connection import Connection
from schemas.errors import Unconfirmed
from tests.support.nodes import Node, nodes


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with nodes(tmp_path_factory.mktemp("broker"), 1) as (node,):
        node.configure({"stream.frame_max": 20_000})
        node.start()
        node.wait_healthy()
        yield node


async def test_frames_are_cut_to_what_the_broker_takes(broker: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it does with larger ones differs between versions."""
    sent: list[int] = []
    original = Connection.send

    async def measured(self: Connection, frame: bytes) -> None:
        sent.append(len(frame) - 4)
        await original(self, frame)

    monkeypatch.setattr(Connection, "send", measured)
    await create_super_stream(broker.url, "orders", 1)
    async with SuperStreamPublisher(broker.url, "orders") as publisher:
        await publisher.publish([Message("x", b"." * 1000, f"{n}", "t") for n in range(500)], timeout=20)
        with pytest.raises(Unconfirmed, match="too large for the 19987 bytes the broker takes") as failure:
            await publisher.publish([Message("x", b"." * size, "id", "t") for size in (10, 30_000)], timeout=20)
        assert failure.value.indexes == (0, 1)
        await publisher.publish([Message("x", b"." * 19_000, "id", "t")], timeout=20)
    assert 19_000 < max(sent) <= 20_000
    assert await end_offset(broker.url, "orders-0") == 501
