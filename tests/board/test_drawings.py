"""A board asked for again within a second is not drawn again where it says the same; what changed shows at once."""

from __future__ import annotations

import pytest

from dashboards.operator import drawings
from tests.board.stock import publish
from tests.board.support import asked, count_in
from tests.support.events import event, message
from tests.support.pipelines import caught_up, running_pipeline
from tests.support.runs import Run


async def test_what_changes_shows_at_once(own_stock: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawings, "KEPT_SECONDS", 60.0)
    async with running_pipeline(own_stock), asked(own_stock.settings) as board:
        before = await board.text("/")
        assert count_in(await board.text("/"), "initiated") == count_in(before, "initiated")
        await publish(own_stock, message(event("NEW-1", "initiated")))
        await caught_up(own_stock)
        after = await board.text("/")
        assert count_in(after, "initiated") == count_in(before, "initiated") + 1
        assert "NEW-1" in after
        assert "NEW-1" not in await board.text("/?partner=acme")
