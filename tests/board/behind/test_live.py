"""Streams through nginx show the same at every instance, and whoever loses one misses nothing."""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack

import pytest
from playwright.async_api import Browser, Page, expect

from tests.board.behind.conftest import Farm
from tests.board.behind.instances import Instance
from tests.board.signin.door import PASSWORD
from tests.board.stock import publish
from tests.board.support import count_in
from tests.board.test_browser import browser
from tests.support.events import event, message
from tests.support.pipelines import caught_up
from tests.support.waiting import until

__all__ = ["browser"]

_PARTIAL = re.compile(r'<hx-partial hx-target="#(lane-\w+)".*?</hx-partial>', re.DOTALL)


def shown(lanes: Mapping[str, str]) -> dict[str, tuple[int, list[str]]]:
    """Return what a page has in its lanes: counts, and orders."""
    return {
        name: (count_in(html, name.removeprefix("lane-")), re.findall(r'id="card-([^"]+)"', html))
        for name, html in sorted(lanes.items())
    }


async def counted(farm: Farm) -> dict[str, int]:
    """Return how many orders are in each stage, as the tables have it, one by one."""
    connection = await farm.run.connect()
    rows = await connection.fetch(
        "SELECT stage, count(*) FROM (SELECT stage FROM open_orders UNION ALL SELECT stage FROM closed_orders) AS o"
        " GROUP BY stage"
    )
    await connection.close()
    return {row["stage"]: row["count"] for row in rows}


async def follow(frames: AsyncIterator[tuple[str, str]], lanes: dict[str, str], order_id: str) -> None:
    """Take frames into `lanes`, as a page does, until an order is there."""
    async with asyncio.timeout(60):
        while not any(f'id="card-{order_id}"' in html for html in lanes.values()):
            _, data = await anext(frames)
            lanes.update((found.group(1), found.group(0)) for found in _PARTIAL.finditer(data))


async def test_streams_of_all_instances_show_the_same(farm: Farm) -> None:
    pages: list[dict[str, str]] = [{} for _ in range(3)]
    async with farm.visitor("vera") as board, AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(board.events()) for _ in pages]

        async def one_at_each() -> bool:
            return [await instance.readers() for instance in farm.instances] == [1, 1, 1]

        await until(one_at_each, "each instance to have one of the streams")
        moved = [message(event("SAME-1", "initiated", hour=1)), message(event("SAME-1", "file_uploaded", hour=2))]
        await publish(farm.run, *moved, message(event("SAME-2", "initiated", hour=3)))
        await publish(farm.run, message(event("SAME-LAST", "cancelled", hour=4)))
        for frames, lanes in zip(streams, pages, strict=True):
            for order_id in ("SAME-1", "SAME-2", "SAME-LAST"):
                await follow(frames, lanes, order_id)
    assert shown(pages[0]) == shown(pages[1]) == shown(pages[2])


async def _reader_of(farm: Farm) -> Instance:
    """Wait until one instance has the only stream there is, and return it."""

    async def found() -> Instance | None:
        having = [instance for instance in farm.instances if instance.running and await instance.readers()]
        return having[0] if len(having) == 1 else None

    instance = await until(found, "an instance to have the stream")
    assert instance is not None
    return instance


async def _shows_what_the_tables_have(farm: Farm, page: Page) -> None:
    await caught_up(farm.run)
    for stage, orders in (await counted(farm)).items():
        await expect(page.locator(f"#lane-{stage} .count")).to_have_text(str(orders), timeout=30_000)


@pytest.mark.browser
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
async def test_a_page_goes_on_at_another_instance_and_misses_nothing(
    farm: Farm, browser: Browser, end: signal.Signals
) -> None:
    context = await browser.new_context(base_url=farm.front.address, ignore_https_errors=True, locale="en-GB")
    page = await context.new_page()
    await page.goto("/")
    await page.get_by_label("Name").fill("vera")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    root = page.locator("html")
    await expect(root).to_have_attribute("data-link", "live")
    await page.evaluate("window.sameDocument = true")
    await _shows_what_the_tables_have(farm, page)
    instance = await _reader_of(farm)
    instance.send(end)
    meanwhile = [event(f"{end.name}-{number}", "initiated") for number in range(20)]
    await publish(farm.run, *map(message, meanwhile))
    await instance.ended()
    assert await _reader_of(farm) is not instance
    await publish(farm.run, *map(message, [event(f"{end.name}-1", "file_uploaded"), event("AFTER", "initiated")]))
    await _shows_what_the_tables_have(farm, page)
    await expect(root).to_have_attribute("data-link", "live")
    assert await page.evaluate("window.sameDocument")
    await context.close()


async def test_an_orders_page_is_told_through_nginx(farm: Farm) -> None:
    async with farm.visitor("vera") as board, board.events("/api/events?order=TOLD") as frames:
        await publish(farm.run, message(event("TOLD", "initiated")))
        async with asyncio.timeout(30):
            assert await anext(frames) == ("order", "changed")
