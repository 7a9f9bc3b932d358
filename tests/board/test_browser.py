"""The board in a real browser, over a real pipeline."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, async_playwright, expect

from cli.localservers.browser import chromium_path
from tests.board.stock import NASTY, fresh_life, publish, stock
from tests.board.support import Board, asked
from tests.support.events import event, message
from tests.support.pipelines import caught_up, running_pipeline
from tests.support.runs import Run
from tests.support.waiting import until

pytestmark = pytest.mark.browser


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """A headless Chromium; where none can be had, skip locally and fail in CI."""
    path = chromium_path()
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("no Chromium, and none can be unpacked here")
        pytest.skip("no Chromium: install one or set WARREN_CHROMIUM")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest.fixture
async def live(run: Run) -> AsyncIterator[Board]:
    """A stocked board whose pipeline is at work."""
    async with running_pipeline(run), asked(run.settings) as board:
        await publish(run, *stock())
        await caught_up(run)
        yield board


class Witness:
    """What a page said and asked for; `complaints` should stay empty."""

    def __init__(self, page: Page, board: Board) -> None:
        self._host = urlsplit(board.address).netloc
        self.complaints: list[str] = []
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        page.on("request", self._asked)

    def _said(self, said: ConsoleMessage) -> None:
        if said.type in ("error", "warning"):
            self.complaints.append(f"{said.type}: {said.text}")

    def _asked(self, request: Request) -> None:
        if urlsplit(request.url).netloc != self._host:
            self.complaints.append(f"asked another host: {request.url}")


@pytest.fixture
async def context(browser: Browser, live: Board) -> AsyncIterator[BrowserContext]:
    """A fresh reader at a desk."""
    context = await browser.new_context(base_url=live.address, locale="en-GB", viewport={"width": 1280, "height": 900})
    yield context
    await context.close()


async def test_the_board_shows_its_lanes_and_changes_by_itself(context: BrowserContext, live: Board, run: Run) -> None:
    page = await context.new_page()
    witness = Witness(page, live)
    await page.goto("/")
    await expect(page.locator("section.lane")).to_have_count(12)
    await expect(page.locator("html")).to_have_attribute("data-link", "live")
    await expect(page.get_by_text("Live", exact=True)).to_be_visible()
    lane = page.locator("#lane-initiated")
    await expect(lane.locator(".count")).to_have_text("3")
    await page.evaluate("window.sameDocument = true")
    await lane.get_by_role("link", name=re.compile("S1-0")).focus()
    await publish(run, message(event("NEW-1", "initiated")))
    await expect(lane.locator(".count")).to_have_text("4")
    await expect(lane.get_by_role("link", name=re.compile("NEW-1"))).to_be_visible()
    await expect(lane.get_by_role("link", name=re.compile("S1-0"))).to_be_focused()
    await publish(run, message(event("NEW-1", "file_uploaded")))
    await expect(lane.locator(".count")).to_have_text("3")
    await expect(page.locator("#lane-file_uploaded")).to_contain_text("NEW-1")
    await expect(page.get_by_role("link", name=re.compile("NEW-1"))).to_have_count(1)
    assert await page.evaluate("window.sameDocument")
    assert witness.complaints == []


async def test_an_order_is_found_and_its_timeline_shows_how_long_it_took(
    context: BrowserContext, live: Board, run: Run
) -> None:
    page = await context.new_page()
    witness = Witness(page, live)
    await page.goto("/")
    await page.keyboard.press("/")
    await page.keyboard.type("ODD-1")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile("/orders/ODD-1$"))
    await expect(page.get_by_role("heading", name="Order ODD-1")).to_be_visible()
    spans = page.locator("li.span")
    await expect(spans).to_have_count(5)
    await expect(spans.first.locator(".length")).to_have_text("10\u202fmin")
    width = await spans.first.locator("svg.bar rect").evaluate("bar => bar.getBoundingClientRect().width")
    assert width > 10
    await expect(page.get_by_text("Out of step: the order has passed this stage already")).to_be_visible()
    await spans.first.get_by_text("Raw event").click()
    await expect(spans.first.locator("pre")).to_contain_text('"id": "ODD-1-initiated"')
    await expect(page.locator("html")).to_have_attribute("data-link", "live")
    await publish(run, message(event("ODD-1", "manufacturing_started")))
    await expect(spans).to_have_count(6)
    await expect(spans.first.locator("pre")).to_be_visible()
    assert witness.complaints == []


async def test_ages_go_on_counting_as_the_server_would_write_them(context: BrowserContext, live: Board) -> None:
    page = await context.new_page()
    await page.clock.install()
    await page.goto("/")
    card = page.locator('[id="card-STUCK-1"]')
    await expect(card.locator(".age")).to_have_text(re.compile("^5\u202fh( \\d+\u202fmin)?$"))
    before = _minutes(await card.locator(".age").inner_text())
    await page.clock.fast_forward(125_000)

    async def counted_on() -> bool:
        return before + 2 <= _minutes(await card.locator(".age").inner_text()) <= before + 10

    await until(counted_on, "the age to count on by two minutes")


def _minutes(age: str) -> int:
    """Read "5 h" or "5 h 2 min"."""
    numbers = [int(number) for number in re.findall(r"\d+", age)]
    return numbers[0] * 60 + (numbers[1] if len(numbers) > 1 else 0)


async def test_markup_in_an_id_is_shown_and_not_run(context: BrowserContext, live: Board, run: Run) -> None:
    page = await context.new_page()
    witness = Witness(page, live)
    await page.goto("/")
    await expect(page.locator("html")).to_have_attribute("data-link", "live")
    image = "<img'src=x'onerror=alert(1)>"
    await publish(run, *fresh_life(image, ("initiated",), ago=timedelta()))
    await expect(page.get_by_text(image)).to_be_visible()
    await page.get_by_text(NASTY).click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text(NASTY)
    assert witness.complaints == []


async def test_the_language_can_be_switched_and_stays(context: BrowserContext, live: Board) -> None:
    page = await context.new_page()
    witness = Witness(page, live)
    await page.goto("/?stage=submitted")
    await page.get_by_role("link", name="Русский").click()
    await expect(page.get_by_role("heading", name="Оформлен", exact=True)).to_be_visible()
    await expect(page.locator("section.lane")).to_have_count(1)
    await page.goto("/")
    await expect(page.get_by_text("В работе", exact=True)).to_be_visible()
    await expect(page.locator("html")).to_have_attribute("data-link", "live")
    await page.get_by_role("link", name="English").click()
    await expect(page.get_by_text("Under way", exact=True)).to_be_visible()
    assert witness.complaints == []


@pytest.mark.parametrize("path", ["/", "/orders/ODD-1", "/orders/NOPE", "/?stage=closed"])
async def test_a_phone_shows_it_without_scrolling_sideways(browser: Browser, live: Board, path: str) -> None:
    context = await browser.new_context(base_url=live.address, viewport={"width": 390, "height": 844}, is_mobile=True)
    page = await context.new_page()
    await page.goto(path)
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    await context.close()


async def test_a_page_notices_when_the_board_goes_away(context: BrowserContext, run: Run) -> None:
    async with asked(run.settings) as board:
        page = await context.new_page()
        await page.goto(board.address)
        await expect(page.locator("html")).to_have_attribute("data-link", "live")
    await expect(page.get_by_text("Connection lost")).to_be_visible()


async def test_a_paused_board_stays_as_it_is_and_then_shows_what_it_missed(
    context: BrowserContext, live: Board, run: Run
) -> None:
    page = await context.new_page()
    witness = Witness(page, live)
    await page.goto("/")
    root = page.locator("html")
    await expect(root).to_have_attribute("data-link", "live")
    await page.keyboard.press("p")
    await expect(root).to_have_attribute("data-link", "paused")
    await publish(run, message(event("MEANWHILE", "initiated")))

    async def on_the_board() -> bool:
        return "MEANWHILE" in await live.text("/")

    await until(on_the_board, "the order to be on the board")
    another = await context.new_page()
    await another.goto("/")
    await publish(run, message(event("AFTER", "initiated")))
    await expect(another.locator("#lane-initiated")).to_contain_text("AFTER")  # frames go out
    await expect(page.locator("#lane-initiated")).not_to_contain_text("MEANWHILE")
    await page.get_by_role("button", name="Go on").click()
    await expect(page.locator("#lane-initiated")).to_contain_text("MEANWHILE")
    await expect(root).to_have_attribute("data-link", "live")
    assert witness.complaints == []


async def test_what_a_board_is_narrowed_to_is_in_its_address_and_goes_back(
    context: BrowserContext, live: Board
) -> None:
    page = await context.new_page()
    witness = Witness(page, live)
    await page.goto("/")
    await page.get_by_text("Some orders only").click()
    await page.get_by_label("Stuck").check()
    await page.get_by_role("button", name="Show").click()
    await expect(page).to_have_url(re.compile(r"\?.*stuck=1"))
    await expect(page.locator(".card")).to_have_count(1)
    await expect(page.locator(".card")).to_contain_text("STUCK-1")
    await expect(page.locator("html")).to_have_attribute("data-link", "live")
    await page.go_back()
    await expect(page.locator("#lane-initiated .card")).to_have_count(3)
    await page.go_forward()
    await expect(page.get_by_label("Stuck")).to_be_checked()
    await expect(page.locator(".card")).to_have_count(1)
    await page.get_by_role("link", name="All orders").click()
    await expect(page).to_have_url(re.compile(r"/$"))
    assert witness.complaints == []
