"""Every page is for everybody: nothing serious is in the way of who does not see well or uses no mouse (WCAG)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from dashboards.operator.signin import accounts, guard
from tests.board.signin.door import PASSWORD, give_accounts, signing
from tests.board.stock import publish, stock
from tests.board.support import Board
from tests.board.test_browser import Witness, browser
from tests.support.events import event, message
from tests.support.pipelines import caught_up, running_pipeline
from tests.support.runs import Run
from tests.support.waiting import until

__all__ = ["browser"]

pytestmark = pytest.mark.browser

GRAVE = {"serious", "critical"}


@pytest.fixture
async def live(run: Run) -> AsyncIterator[Board]:
    """A stocked board at which otto may act, its pipeline at work."""
    await give_accounts(run, otto="operator")
    async with running_pipeline(run), signing(run, redis_prefix=run.settings.redis_prefix) as board:
        await publish(run, *stock())
        await caught_up(run)
        yield board


async def signed_in(browser: Browser, board: Board, **looks: Any) -> Page:
    """Return a page of somebody who has signed in by the form."""
    context = await browser.new_context(base_url=board.address, locale="en-GB", **looks)
    page = await context.new_page()
    await page.goto("/orders")
    await page.get_by_label("Name").fill("otto")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page).to_have_url(re.compile("/orders$"))
    return page


async def places(page: Page) -> list[str]:
    """Return an address of each kind of page."""
    await page.goto("/pipeline")
    link = page.locator('a[href^="/quarantine/"]').first
    message_page = await link.get_attribute("href")
    assert message_page is not None
    return [
        "/", "/?stage=submitted", "/?stuck=1", "/orders", "/orders?stuck=1", "/orders/S10-1", "/orders/STUCK-1",
        "/orders/WAIT-1", "/orders/ODD-1", "/stuck", "/pipeline", message_page, "/find?q=S", "/orders/NONE", "/sign-in",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "looks",
    [
        {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
        {"color_scheme": "dark", "viewport": {"width": 390, "height": 844}},
    ],
    ids=["light, a desk", "dark, a phone"],
)
async def test_nothing_serious_is_in_anybodys_way(browser: Browser, live: Board, looks: dict[str, Any]) -> None:
    page = await signed_in(browser, live, **looks)
    found = []
    for place in await places(page):
        await page.goto(place)
        await page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        answer = await Axe().run(page)
        found += [
            f"{place}: {one['id']}: {one['help']}: {one['nodes'][0]['html'][:120]} ({len(one['nodes'])})"
            for one in answer.response["violations"]
            if one["impact"] in GRAVE
        ]
        wide = await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        assert not wide, f"{place} is wider than the screen"
    assert "\n".join(found) == ""
    await page.context.close()


async def test_an_operator_signs_in_acts_and_signs_out(browser: Browser, live: Board, run: Run) -> None:
    page = await signed_in(browser, live)
    witness = Witness(page, live)
    await page.goto("/orders/S3-0")
    await page.get_by_label("Note").fill("called them")
    await page.get_by_role("button", name="Add the note").click()
    await expect(page.get_by_text("Your note is in the log")).to_be_visible()
    await expect(page.locator("code.type", has_text="order.note_added.v1")).to_be_visible()
    await page.go_back()
    await expect(page).to_have_url(re.compile("/orders/S3-0$"))
    await page.get_by_text("Cancel the order").first.click()
    await page.get_by_label("Why").fill("the customer asked for it")
    await page.get_by_role("button", name="Cancel the order").click()
    await expect(page.locator("strong.stage")).to_have_text("Cancelled")
    await page.goto("/orders/WAIT-1")
    await page.get_by_role("button", name="Try its parked events again").click()
    await expect(page.get_by_text("It is in the log that the parked events")).to_be_visible()
    assert witness.complaints == []
    await page.get_by_role("button", name="Sign out").click()
    await expect(page).to_have_url(re.compile("/sign-in$"))
    await page.goto("/orders/S3-0")
    await expect(page).to_have_url(re.compile(r"/sign-in\?next="))
    await page.context.close()


async def test_a_message_in_quarantine_is_corrected_in_the_browser(browser: Browser, live: Board, run: Run) -> None:
    page = await signed_in(browser, live)
    witness = Witness(page, live)
    bad = event("S3-1", "price_calculated", data={"price": {"amount": 12.5, "currency": "EUR"}})
    await publish(run, message(bad))

    async def there() -> bool:
        await page.goto("/pipeline")
        return await page.locator("tr", has_text="S3-1").count() > 0

    await until(there, "the message in quarantine")
    await page.locator("tr", has_text="S3-1").get_by_role("link").first.click()
    await page.get_by_text("Correct it").first.click()
    data = page.get_by_label("Data (JSON)")
    assert "12.5" in await data.input_value()
    await data.fill('{"price": {"amount": "12.50", "currency": "EUR"}}')
    await page.get_by_label("Why", exact=True).fill("a number was no text")
    await page.get_by_role("button", name="Correct it").click()

    async def settled() -> bool:
        await page.reload()
        return await page.get_by_text("Corrected by otto").count() > 0

    await until(settled, "the message to be settled")
    await page.goto("/orders/S3-1")
    await expect(page.locator("strong.stage")).to_have_text("Priced")
    await page.get_by_role("link", name="as it was then").first.click()
    await expect(page.get_by_text("As it was at").first).to_be_visible()
    await expect(page.locator("strong.stage")).not_to_have_text("Priced")
    await page.go_back()
    await expect(page.locator("strong.stage")).to_have_text("Priced")
    assert witness.complaints == []
    await page.context.close()


@pytest.fixture
def looked_at_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """For boards that are started then: accounts are looked at twice a second."""
    monkeypatch.setattr(accounts, "REUSE_SECONDS", 0.5)
    monkeypatch.setattr(guard, "CHECK_SECONDS", 0.5)


@pytest.mark.usefixtures("looked_at_often")
async def test_who_is_signed_out_while_a_page_is_open_is_told(browser: Browser, live: Board, run: Run) -> None:
    page = await signed_in(browser, live)
    await page.goto("/")
    await expect(page.locator("html")).to_have_attribute("data-link", "live")
    await page.context.clear_cookies()
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    connection = await run.connect()
    await connection.execute("UPDATE warren.accounts SET disabled = true")
    await connection.close()
    await expect(page.locator("html")).to_have_attribute("data-link", "out", timeout=60_000)
    await page.context.close()
