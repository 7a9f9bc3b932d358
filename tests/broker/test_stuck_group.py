"""A stuck group is left for as long as its error says, by every member, and joined again after."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext

import pytest

from pipelines.engine.broker.partition import Partition
from pipelines.engine.transport import Batch
from schemas.errors import GroupStuck, StreamUnavailable


class Joining(Partition):
    """Ends each joining with the next of these errors."""

    def __init__(self, errors: list[Exception]) -> None:
        async def work(_: Partition, __: Batch) -> None: ...

        super().__init__(0, "orders-0", work=work, on_error="retry", stall_after=60)
        self.errors = errors

    @property
    def joined(self) -> bool:
        return False

    async def _join(self, handle: Callable[[Batch], Awaitable[None]]) -> None:  # noqa: ARG002
        raise self.errors.pop(0)


async def test_it_stays_away_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    reader = Joining([StreamUnavailable("away"), GroupStuck("orders-0", 5, 9, 50), StreamUnavailable("away")])
    await reader.serve(lambda: bool(reader.errors), nullcontext())
    assert [40 <= pause <= 60 for pause in pauses] == [False, True, False]
    assert reader.trouble is not None
