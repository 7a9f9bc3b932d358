"""An order's story from database and archive is what it was before anything left."""

from __future__ import annotations

import time
from html import unescape
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipelines.edges.archive import reading
from pipelines.edges.archive.store import Store
from pipelines.engine.settings import Settings
from tests.archive.support import CLOSED, FRESH, LATE, OPEN, come_back, commit, fill, leave, month_of
from tests.board.support import Board, asked
from tests.cli.support import Warren, environment_of
from tests.support.events import event
from tests.support.runs import Run

ORDERS = (CLOSED, OPEN, LATE, FRESH)


async def stories(board: Board) -> dict[str, Any]:
    """Return what the board knows of each order, but for when it was asked."""
    return {order: _timeless(await board.json(f"/api/orders/{order}")) for order in ORDERS}


def _timeless(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name not in ("as_of", "held_seconds")}


async def bodies(board: Board, order: str) -> list[str]:
    """Return an order's raw events."""
    entries = (await board.json(f"/api/orders/{order}"))["timeline"]
    return [await board.text(f"/orders/{order}/events/{entry['stream_offset']}") for entry in entries]


async def test_the_board_tells_the_same_before_and_after(run: Run, archiving: Settings) -> None:
    await fill(run)
    async with asked(archiving) as board:
        before, raw = await stories(board), [await bodies(board, order) for order in ORDERS]
        pages = [await board.text(f"/orders/{order}") for order in ORDERS]
        assert len(before[CLOSED]["timeline"]) == 11
        await leave(archiving)
        assert await stories(board) == before
        assert [await bodies(board, order) for order in ORDERS] == raw
        for order, page in zip(ORDERS, pages, strict=True):
            after = await board.text(f"/orders/{order}")
            assert after.count('class="event') == page.count('class="event')
            assert "in the archive" not in after
        await come_back(archiving)
        assert await stories(board) == before


async def test_a_search_finds_an_archived_order_and_the_table_lists_it_no_more(run: Run, archiving: Settings) -> None:
    await fill(run)
    await leave(archiving)
    async with asked(archiving) as board:
        response = await board.client.get("/find", params={"q": CLOSED})
        assert response.headers["location"] == f"/orders/{CLOSED}"
        listed = {order["order_id"] for order in (await board.json("/api/orders"))["orders"]}
        assert listed == {OPEN, LATE, FRESH}
        lanes = await board.json("/api/board", stage="closed")
        assert {order["order_id"] for order in lanes["orders"]} == {CLOSED, LATE}
        assert lanes["counts"]["closed"] == 2


def spoil(folder: Path, how: str) -> None:
    """Do what a human or a disk may do to an archive."""
    if how == "gone":
        folder.rename(folder.with_name("elsewhere"))
    elif how == "broken":
        for file in month_of(folder).glob("part-*"):
            file.write_bytes(b"PAR1" + b"\0" * 100 + b"PAR1")
    else:
        (month_of(folder) / "part-00000.parquet").unlink()


@pytest.mark.parametrize("kept", ["gone", "not set", "broken", "a file less"])
async def test_without_the_archive_the_page_says_what_is_missing(
    run: Run, archiving: Settings, folder: Path, kept: str
) -> None:
    await fill(run)
    await leave(archiving)
    settings = archiving
    if kept == "not set":
        settings = run.settings
    else:
        spoil(folder, kept)
    async with asked(settings) as board:
        page = unescape(await board.text(f"/orders/{LATE}"))
        assert "A part of this story, 2 events, is in the archive" in page or kept == "a file less"
        answer = await board.json(f"/api/orders/{CLOSED}")
        assert (answer["missing"], answer["stage"]) == (11, "closed")
        raw = await board.client.get(f"/orders/{CLOSED}/events/0")
        assert raw.status_code == 503
        assert "в архиве" in await board.text(f"/orders/{CLOSED}?lang=ru")


async def test_a_slow_archive_does_not_keep_the_page(
    run: Run, archiving: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(run)
    await leave(archiving)
    original = Store.read

    def slow(self: Store, path: str) -> bytes:
        time.sleep(2)
        return original(self, path)

    monkeypatch.setattr(Store, "read", slow)
    monkeypatch.setattr(reading, "READ_SECONDS", 0.2)
    async with asked(archiving) as board:
        answer = await board.json(f"/api/orders/{OPEN}")
        assert (answer["missing"], len(answer["timeline"])) == (4, 1)


async def test_the_command_tells_the_whole_story(
    run: Run, archiving: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(run)
    warren = Warren(environment_of(run), monkeypatch)
    before = (await warren("order", "show", LATE, "--json")).json
    await leave(archiving)
    away = await warren("order", "show", LATE)
    assert "2 more events are in the archive: WARREN_ARCHIVE_URL is not set" in away.words
    assert (await warren("order", "show", LATE, "--json")).json["missing"] == 2
    warren.environment["WARREN_ARCHIVE_URL"] = str(folder)
    after = (await warren("order", "show", LATE, "--json")).json
    assert after["timeline"] == before["timeline"]
    assert "in the archive" not in (await warren("order", "show", LATE)).words


async def test_little_is_read_and_footers_are_remembered(
    run: Run, archiving: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(run)
    await leave(archiving)
    read: list[str] = []
    footers = 0
    original = Store.open

    def counted(self: Store, path: str) -> Any:
        read.append(path.rpartition("/")[2])
        return original(self, path)

    def footer(file: Any) -> Any:
        nonlocal footers
        footers += 1
        return metadata(file)

    metadata = pq.read_metadata
    monkeypatch.setattr(Store, "open", counted)
    monkeypatch.setattr(pq, "read_metadata", footer)
    async with asked(archiving) as board:
        await board.json(f"/api/orders/{FRESH}")
        assert read == []
        await board.json(f"/api/orders/{LATE}")
        assert set(read) == {"part-00001.parquet", "part-00002.parquet"}
        await board.json(f"/api/orders/{LATE}")
        assert footers == 2


async def test_an_event_after_the_end_of_an_archived_order_is_told_behind_the_others(
    run: Run, archiving: Settings
) -> None:
    offset = await fill(run)
    await leave(archiving)
    await commit(run, offset, event(CLOSED, "note_added", event_id="late"))
    async with asked(archiving) as board:
        answer = await board.json(f"/api/orders/{CLOSED}")
        assert [entry["revision"] for entry in answer["timeline"]] == list(range(1, 13))
        assert answer["timeline"][-1]["event_id"] == "late"
        assert answer["missing"] == 0
