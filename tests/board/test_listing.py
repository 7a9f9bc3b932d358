"""Pages of the table are what a plain look at all orders gives, whatever is asked, forwards and backwards."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import pairwise
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cli.localservers import Addresses
from dashboards.operator.database import Database
from dashboards.operator.listing import listings, walk
from dashboards.operator.listing.listings import Listings
from dashboards.operator.listing.question import Question, Sort, SourceKind
from dashboards.operator.listing.walk import BadCursor
from dashboards.operator.metrics import Metrics
from dashboards.operator.orders import _cell
from pipelines.edges.archive.reading import ArchivedEvents
from schemas.lifecycle import STAGES, Holder, Stage
from tests.board.crowd import NOW, Order, crowd, settled
from tests.board.support import Board, asked
from tests.support.runs import Run

ORDERS = crowd(1500)


@pytest.fixture(scope="module")
async def crowded(servers: Addresses) -> AsyncIterator[Run]:
    """An environment whose tables hold ORDERS."""
    async with settled(servers, ORDERS) as run:
        yield run


@pytest.fixture
async def tables(crowded: Run) -> AsyncIterator[Listings]:
    database = Database(crowded.settings.postgres_dsn, Metrics(), ArchivedEvents(None))
    await database.open()
    yield Listings(database)
    await database.close()


@pytest.fixture
async def board(crowded: Run) -> AsyncIterator[Board]:
    async with asked(crowded.settings) as board:
        yield board


def right(question: Question) -> list[str]:
    """The ids in question, by looking at every order."""

    def meant(order: Order) -> bool:
        opened_by = {None: "", SourceKind.PARTNERS: "/partners/"}.get(question.source, f"/{question.source}")
        return (
            question.stage in (None, order.stage)
            and question.holder in (None, STAGES[order.stage].holder)
            and question.partner in ("", order.partner)
            and question.customer in ("", order.customer_id)
            and (not question.item or question.item in order.items)
            and (not question.odd or order.anomalies > 0)
            and order.opened_by.startswith(opened_by)
            and (not question.stuck or order.stuck(NOW))
            and (question.sequence is not Sort.LONGEST or order.open)
            and (question.sequence is not Sort.PRICE or (order.price or (0, ""))[1] == question.currency)
        )

    found = [order for order in ORDERS if meant(order)]
    match question.sequence:
        case Sort.NEWEST:
            found.sort(key=lambda order: (order.opened_at, order.order_no), reverse=True)
        case Sort.LATEST:
            found.sort(key=lambda order: (order.since, order.order_no), reverse=True)
        case Sort.LONGEST:
            found.sort(key=lambda order: (order.since, order.order_no))
        case Sort.PRICE:
            found.sort(key=lambda order: (order.price or (0, ""), order.order_no), reverse=True)
        case Sort.ITEM:
            found.sort(key=lambda order: order.order_no, reverse=True)
    return [order.order_id for order in found]


questions = st.builds(
    Question,
    stage=st.none() | st.sampled_from(Stage),
    holder=st.none() | st.none() | st.sampled_from(Holder),
    partner=st.sampled_from(["", "", "acme", "rare", "nobody"]),
    source=st.none() | st.none() | st.sampled_from(SourceKind),
    customer=st.sampled_from(["", "", "", "c1"]),
    item=st.sampled_from(["", "", "", "", "i1"]),
    stuck=st.booleans(),
    odd=st.booleans(),
    sort=st.sampled_from(Sort),
    currency=st.sampled_from(["EUR", "USD", "XXX"]),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(questions, st.integers(1, 60), st.sampled_from([7, 300, 5000]))
async def test_turning_the_pages_gives_every_order_once_in_sequence_and_back(
    tables: Listings, question: Question, limit: int, furthest: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(walk, "FURTHEST", furthest)
        patch.setattr(listings, "FURTHEST", furthest)
        expected = right(question)
        found: list[str] = []
        pages = []
        asked_now = question
        while True:
            page = await tables.page(asked_now, limit)
            found += [card.order_id for card in page.cards]
            assert len(page.cards) == limit or not page.after or page.searched
            pages.append([card.order_id for card in page.cards])
            if not page.after or len(pages) > 60:
                break
            asked_now = question.model_copy(update={"after": page.after})
        assert found == expected[: len(found)]
        assert len(pages) > 60 or found == expected
        at, turns = len(found) - len(pages[-1]), 0
        while page.before:
            page = await tables.page(question.model_copy(update={"before": page.before}), limit)
            ids = [card.order_id for card in page.cards]
            turns += 1
            if page.before:
                at -= len(ids)
                assert ids == found[at : at + len(ids)]
            else:  # the first page is shown whole
                assert ids == found[: len(ids)]
                assert len(ids) >= at
            assert turns < 500


async def test_the_total_is_known_where_counts_say_it(tables: Listings) -> None:
    for question in (
        Question(),
        Question(stage=Stage.SUBMITTED),
        Question(partner="acme"),
        Question(odd=True, stage=Stage.CLOSED),
        Question(sort=Sort.LONGEST),
        Question(sort=Sort.LONGEST, partner="rare", odd=True),
    ):
        assert (await tables.page(question, 5)).total == len(right(question))
    for question in Question(customer="c1"), Question(stuck=True), Question(item="i1"), Question(sort=Sort.PRICE):
        assert (await tables.page(question, 5)).total is None


async def test_an_order_that_goes_while_pages_are_turned_moves_no_other(tables: Listings, crowded: Run) -> None:
    question = Question(sort=Sort.LONGEST)
    first = await tables.page(question, 10)
    connection = await crowded.connect()
    gone = first.cards[-1].order_id  # the one the cursor stands at
    async with connection.transaction():
        row = await connection.fetchrow(
            "SELECT * FROM stays JOIN order_index USING (order_no) WHERE order_id = $1", gone
        )
        await connection.execute("DELETE FROM stays WHERE order_no = $1", row["order_no"])
    second = await tables.page(question.model_copy(update={"after": first.after}), 10)
    await connection.execute("INSERT INTO stays VALUES ($1, $2, $3)", row["stage"], row["since"], row["order_no"])
    await connection.close()
    assert [card.order_id for card in second.cards] == right(question)[10:20]


@pytest.mark.parametrize(
    "cursor", ["x", "~", "1~", "~1", "1~x", "1~-5", "1~99999999999999999999", "9" * 60 + "~1", "nan~3", "1e999999~3"]
)
@pytest.mark.parametrize("sort", Sort)
async def test_a_cursor_that_no_page_gave_is_refused(tables: Listings, cursor: str, sort: Sort) -> None:
    question = Question(sort=sort, after=cursor)
    if sort is Sort.PRICE and cursor in ("9" * 60 + "~1",):
        assert (await tables.page(question)).cards
        return
    with pytest.raises(BadCursor):
        await tables.page(question)


async def test_the_page_shows_its_orders_and_the_way_on(board: Board) -> None:
    page = await board.text("/orders", params={"stage": "submitted", "partner": "", "source": "", "sort": "newest"})
    expected = right(Question(stage=Stage.SUBMITTED))
    places = [page.index(f'href="/orders/{order_id}"') for order_id in expected[:50]]
    assert all(one < other for one, other in pairwise(places))
    assert f'href="/orders/{expected[50]}"' not in page
    assert 'rel="next" href="/orders?stage=submitted&amp;after=' in page
    assert 'rel="prev"' not in page
    assert f"Orders: {len(expected)}" in page


async def test_machines_get_the_same_with_cursors(board: Board) -> None:
    answer = await board.json("/api/orders", partner="rare", sort="longest", limit=3)
    expected = right(Question(partner="rare", sort=Sort.LONGEST))
    assert [order["order_id"] for order in answer["orders"]] == expected[:3]
    assert (answer["sequence"], answer["total"], answer["before"]) == ("longest", len(expected), None)
    more = await board.json("/api/orders", partner="rare", sort="longest", limit=3, after=answer["after"])
    assert [order["order_id"] for order in more["orders"]] == expected[3:6]
    problem = await board.json("/api/orders", 422, after="nonsense")
    assert "nonsense is no place in the table" in problem["detail"]
    await board.json("/api/orders", 422, stage="nowhere")


async def test_the_export_has_all_of_them_in_sequence(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listings, "EXPORTED_AT_ONCE", 100)
    for question in Question(), Question(stuck=True, source=SourceKind.SHOP), Question(partner="nobody"):
        response = await board.client.get(question.address("/orders.csv"))
        assert response.headers["content-type"] == "text/csv; charset=utf-8"
        rows = list(csv.DictReader(io.StringIO(response.text)))
        assert [row["order_id"] for row in rows] == right(question)
    first = next(order for order in ORDERS if order.price)
    rows = list(csv.DictReader(io.StringIO(await board.text("/orders.csv"))))
    [row] = [row for row in rows if row["order_id"] == first.order_id]
    assert (row["price_amount"], row["price_currency"]) == (str(first.price[0]), first.price[1])  # type: ignore[index]
    assert row["stage_since"] == first.since.strftime("%Y-%m-%dT%H:%M:%SZ")


async def test_an_export_that_cannot_begin_is_no_file(crowded: Run) -> None:
    away = crowded.settings.model_copy(update={"postgres_dsn": "postgresql://nobody@127.0.0.1:1/nothing"})
    async with asked(away) as board:
        response = await board.client.get("/orders.csv")
    assert response.status_code == 503
    assert response.headers["content-type"].startswith("text/html")


async def test_a_customer_with_more_orders_than_a_page_looks_at_is_walked(
    tables: Listings, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = Question(customer="c1", sort=Sort.LONGEST)
    expected = right(question)
    for furthest, searched in ((len(ORDERS), False), (len(expected) - 5, True)):
        monkeypatch.setattr(walk, "FURTHEST", furthest)
        monkeypatch.setattr(listings, "FURTHEST", furthest)
        page = await tables.page(question, len(expected))
        assert page.searched is searched
        found = [card.order_id for card in page.cards]
        assert found == expected[: len(found)]


async def test_a_cell_is_no_formula(board: Board, crowded: Run) -> None:
    connection = await crowded.connect()
    chosen = ORDERS[0].order_id
    change = "UPDATE {} SET customer_id = $1 WHERE order_id = $2"
    for table in "open_orders", "closed_orders":
        await connection.execute(change.format(table), "=HYPERLINK(1)", chosen)
    text = await board.text("/orders.csv", params={"customer": "=HYPERLINK(1)"})
    for table in "open_orders", "closed_orders":
        await connection.execute(change.format(table), ORDERS[0].customer_id, chosen)
    await connection.close()
    [row] = csv.DictReader(io.StringIO(text))
    assert row["customer_id"] == "'=HYPERLINK(1)"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("y;=cmd|' /C calc'!A0", "y;'=cmd|' /C calc'!A0"), (" =1+1", "' =1+1"), ("a\t@b", "a\t'@b"),
        ("＝1+1", "'＝1+1"),
        ("\tx", "'\tx"), ("-1", "'-1"), ("plain; words - and = signs", "plain; words - and = signs"),
    ],
)  # fmt: skip
def test_nor_where_a_spreadsheet_parts_fields_by_other_signs(said: str, shown: str) -> None:
    assert _cell(SimpleNamespace(customer_id=said), "customer_id") == shown  # type: ignore[arg-type]


async def test_a_word_leads_to_what_it_names(board: Board) -> None:
    async def goes(word: str) -> str:
        response = await board.client.get("/find", params={"q": word})
        assert response.status_code == 303, response.text
        return response.headers["location"]

    assert await goes(ORDERS[0].order_id) == f"/orders/{ORDERS[0].order_id}"
    assert await goes(" c1 ") == "/orders?customer=c1"
    assert await goes("i1") == "/orders?item=i1"
    assert await goes("") == "/orders"
    both = await board.text("/find", params={"q": "rare"})  # a partner, and how its orders' ids begin
    assert 'href="/orders?partner=rare"' in both
    assert both.count('href="/orders/rare:') == 50
    assert "Nothing goes by the name" in await board.text("/find", 404, params={"q": "no such thing"})
    assert "Nothing goes by the name" in await board.text("/find", 404, params={"q": "\0"})


async def test_stuck_is_by_the_clock_and_the_stages_target(tables: Listings) -> None:
    page = await tables.page(Question(stuck=True, stage=Stage.SUBMITTED), 200)
    now = page.standing.read_at
    assert page.cards
    assert all(card.overdue(now) is not None for card in page.cards)
    assert all(card.stage_since < NOW - timedelta(hours=1) for card in page.cards)


async def test_prices_are_shown_in_the_currencies_there_are(board: Board, tables: Listings) -> None:
    assert await tables.currencies() == ["EUR", "USD"]
    page = await board.text("/orders", params={"sort": "price", "currency": "USD"})
    assert re.findall(r"<option( selected)?>([A-Z]{3})</option>", page) == [(" selected", "USD"), ("", "EUR")]
    alone = await board.text("/orders", params={"sort": "price", "currency": "XXX"})
    assert re.findall(r"<option selected>([A-Z]{3})</option>", alone) == ["XXX"]
