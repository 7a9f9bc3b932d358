"""An erasure that is ended before its rows, and run again, while orders go on."""

from __future__ import annotations

import asyncpg
import pytest

from pipelines.audit import audit
from pipelines.edges.erasure import tables
from tests.archive.test_killed import Broken
from tests.board.stock import publish
from tests.erasure.shop import IVAN, MARIA, erase, named, naming, note
from tests.support.events import event, message
from tests.support.pipelines import caught_up, running_pipeline
from tests.support.runs import Run


async def _dies(*_: object) -> None:
    raise Broken


async def test_no_order_that_once_was_his_comes_back(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is another's by now, so the list alone does not tell; and its owner remembers it as it was."""
    async with running_pipeline(run):
        await publish(run, message(named("I2", IVAN, "initiated")), message(named("I2", MARIA)))
        await caught_up(run)
        with monkeypatch.context() as patch:
            patch.setattr(tables, "erase_rows", _dies)
            with pytest.raises(Broken):
                await erase(run.settings)
        await publish(run, message(event("I2", "file_uploaded")))
        await caught_up(run)
        assert (await erase(run.settings)).finished
        await publish(run, message(note("I2", f"{IVAN} called")))
        await caught_up(run)
    connection = await run.connect()
    assert await connection.fetchval("SELECT customer_id FROM open_orders") == ""
    assert not any(row["body"] for row in await connection.fetch("SELECT body FROM timeline"))
    assert await naming(connection) == []
    assert await connection.fetchval("SELECT count(*) FROM erasing") == 0
    await connection.close()
    report = await audit(run.settings)
    assert report.clean, report.findings


async def test_nor_by_an_owner_who_has_claimed_anew_since_the_list_was_written(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the timeline is read, which may take hours, he loads the order as the other's, and remembers it."""
    real = tables.note

    async def later(connection: asyncpg.Connection, orders: set[int]) -> set[int]:
        await publish(run, message(event("I2", "file_uploaded")))
        await caught_up(run)
        return await real(connection, orders)

    async with running_pipeline(run):
        await publish(run, message(named("I2", IVAN, "initiated")), message(named("I2", MARIA)))
        await caught_up(run)
        monkeypatch.setattr(tables, "note", later)
        assert (await erase(run.settings)).finished
        await publish(run, message(note("I2", f"{IVAN} called")))
        await caught_up(run)
    connection = await run.connect()
    assert await connection.fetchval("SELECT customer_id FROM open_orders") == ""
    assert await naming(connection) == []
    await connection.close()
    report = await audit(run.settings)
    assert report.clean, report.findings


async def test_what_was_found_is_found_again_after_half_of_it_is_gone(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_pipeline(run):
        await publish(run, message(named("I2", IVAN, "initiated")), message(named("I2", MARIA)))
        await caught_up(run)
        real = tables._execute

        async def half(connection: object, query: str, *arguments: object) -> int:
            if query is tables._ORDERS[-1]:
                await real(connection, tables._TIMELINE, *arguments)  # type: ignore[arg-type]
                raise Broken
            return await real(connection, query, *arguments) if "open_orders" not in query else 0  # type: ignore[arg-type]

        with monkeypatch.context() as patch:
            patch.setattr(tables, "_execute", half)
            with pytest.raises(Broken):
                await erase(run.settings)
        assert (await erase(run.settings)).finished
    connection = await run.connect()
    assert await connection.fetchval("SELECT customer_id FROM open_orders") == ""
    await connection.close()
    report = await audit(run.settings)
    assert report.clean, report.findings
