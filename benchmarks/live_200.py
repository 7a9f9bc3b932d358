"""`live_200`: from the broker's confirm to the frame, for two hundred open boards while 5,000 events a second flow.

All of them are of one board process. One is a real browser, where there is one: there the card counts when it is in the
page.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from tempfile import TemporaryFile
from typing import Any

import orjson
from playwright.async_api import Page, async_playwright

from benchmarks.asking import asker, percentile, told, until_cached
from benchmarks.board import board
from benchmarks.busy import Cores
from benchmarks.environment import Bench, BenchRun
from benchmarks.grown import GrownShop
from benchmarks.processor import processors
from benchmarks.result import Result
from benchmarks.steady import PROBE, Load, steady_load
from cli.localservers.browser import chromium_path

WHOLE, QUICK = GrownShop(10_000_000), GrownShop(100_000)
RATE = 5_000
CLIENTS = 200
SECONDS, QUICK_SECONDS = 60, 20
AIM_MS = 100.0

_WARM_SECONDS = 30
"""How long the load flows before: the database was just copied, and nothing of it is in memory."""

_LAST_SECONDS = 5
"""A card that is confirmed so shortly before the end is not looked for: it might come too late to be seen."""

_NOTE = f"""() => {{
    window.seen = {{}};
    new MutationObserver(() => {{
        for (const card of document.querySelectorAll('[id^="card-{PROBE}"]'))
            window.seen[card.id.slice(5)] ??= Date.now() / 1000;
    }}).observe(document.getElementById("board"), {{childList: true, subtree: true, attributes: true}});
}}"""


async def live_200(bench: Bench) -> Result:
    """The 99th percentile in milliseconds over all cards looked for and all pages but the browser's."""
    shop, seconds = (QUICK, QUICK_SECONDS) if bench.quick else (WHOLE, SECONDS)
    async with bench.environment(shop) as run:
        load, rate, frames, drawn = await _watched(run, shop, seconds)
    opened = frames["opened_at"]
    since = {probe: at for probe, at in load.confirmed.items() if opened < at < opened + seconds - _LAST_SECONDS}
    late = [1000 * (at - since[probe]) for probe, times in frames["seen"].items() if probe in since for at in times]
    shown = [1000 * (at - since[probe]) for probe, at in drawn.items() if probe in since]
    conditions = {
        "rate_wanted": RATE, "rate": rate, "clients": CLIENTS, "seconds": seconds, "orders": shop.orders,
        "cards_looked_for": len(since), "never_came": len(since) * frames["pages"] - len(late), "ms": told(late),
        "browser_ms": told(shown) if len(shown) > 1 else None,
        "megabytes_a_second": round(frames["bytes"] / seconds / 1e6, 1),
        "streams_lost": frames["lost"], "cores_busy": frames["cores_busy"], "aim_ms": AIM_MS,
    }  # fmt: skip
    return Result("live_200", percentile(late, 99), "ms", AIM_MS, "the aim", True, conditions)


async def _watched(
    run: BenchRun, shop: GrownShop, seconds: float
) -> tuple[Load, int, dict[str, Any], dict[str, float]]:
    """Return the load and its rate, what the pages had, and when the browser showed each card."""
    async with processors(run), board(run) as address, _browser() as page:
        async with asker(address) as reader:
            await until_cached(reader)
        async with steady_load(run, RATE, shop.orders) as load:
            await asyncio.sleep(_WARM_SECONDS)
            if page is not None:
                await page.goto(address)
                await page.evaluate(_NOTE)
            before = Cores.now()
            count = CLIENTS - (page is not None)
            frames = await pages(address, count, seconds)
            frames |= {"pages": count, "cores_busy": Cores.now().busy_since(before)}
            drawn = {} if page is None else await page.evaluate("window.seen")
            return load, load.rate, frames, drawn


async def pages(address: str, count: int, seconds: float) -> dict[str, Any]:
    """Keep so many pages open for so long, in a process of their own; return what `benchmarks.watchers` prints."""
    with TemporaryFile() as printed:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "benchmarks.watchers", address, str(count), str(seconds),
            stdin=asyncio.subprocess.DEVNULL, stdout=printed,
        )  # fmt: skip
        assert await process.wait() == 0, "the watchers failed"
        printed.seek(0)
        found: dict[str, Any] = orjson.loads(printed.read())
    return found


@asynccontextmanager
async def _browser() -> AsyncIterator[Page | None]:
    """Give a page of a real browser, None where there is none."""
    path = chromium_path()
    if path is None:
        yield None
        return
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield await browser.new_page(locale="en-GB", viewport={"width": 1280, "height": 900})
        await browser.close()
