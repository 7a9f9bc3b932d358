"""`orders_page`: any page of the table of orders, the first or the ten thousandth, in every sequence, both ways.

`orders_page_naive`: what the same page takes with OFFSET on one plain table of the same orders.
"""

from __future__ import annotations

import random
import re
import time
from dataclasses import dataclass
from html import unescape

import asyncpg

from benchmarks.asking import Asker, asker, percentile, told
from benchmarks.board import board
from benchmarks.environment import Bench
from benchmarks.grown import POPULAR_ITEM, GrownShop
from benchmarks.result import Result
from dashboards.operator.listing.listings import PAGE
from dashboards.operator.listing.question import Question, Sort
from dashboards.operator.listing.walk import COLUMNS, key_of
from pipelines.engine.stores.postgres import connect
from schemas.lifecycle import FINAL, Stage

WHOLE, SMALL, SMALLEST = GrownShop(10_000_000), GrownShop(100_000), GrownShop(10_000)
DEEP = 10_000
"""The page that is deep; in a sequence of fewer orders, one in its middle."""

TURNED = 20
"""So many pages are turned from the first and from the deep one, forwards and backwards each."""

DRAWN = 60
"""At so many places of a sequence, drawn at random, the page behind and the page before are asked for."""

AIM_MS = 25.0

SEQUENCES = {
    "newest": Question(),
    "latest of an open stage": Question(stage=Stage.PACKAGING),
    "latest of a final stage": Question(stage=Stage.CLOSED),
    "longest": Question(sort=Sort.LONGEST),
    "longest of a stage": Question(stage=Stage.PACKAGING, sort=Sort.LONGEST),
    "price": Question(sort=Sort.PRICE),
    "a partner's": Question(partner="p7"),
    "an item's": Question(item=POPULAR_ITEM),
    "with anomalies": Question(odd=True),
}

_EITHER = f"(SELECT {COLUMNS} FROM open_orders UNION ALL SELECT {COLUMNS} FROM closed_orders) AS o"  # noqa: S608 - ours
_AFTER = re.compile(rb'href="(/orders\?[^"]*after=[^"]*)"')
_BEFORE = re.compile(rb'href="(/orders\?[^"]*before=[^"]*)"')


@dataclass(slots=True)
class Taken:
    """Milliseconds of the pages of one sequence, by where they lie."""

    first: list[float]
    deep: list[float]
    drawn: list[float]

    @property
    def all(self) -> list[float]:
        """Of all pages."""
        return [*self.first, *self.deep, *self.drawn]


async def orders_page(bench: Bench) -> Result:
    """The 99th percentile in milliseconds of all pages of the larger shop, beside that of a shop of a hundredth."""
    large, small = (SMALL, SMALLEST) if bench.quick else (WHOLE, SMALL)
    of = {shop.orders: await _pages(bench, shop) for shop in (small, large)}
    whole = [ms for taken in of[large.orders].values() for ms in taken.all]
    beside = [ms for taken in of[small.orders].values() for ms in taken.all]
    value, limit = percentile(whole, 99), percentile(beside, 99)
    conditions = {
        "orders": large.orders, "pages": len(whole), "aim_ms": AIM_MS, "ms": told(whole), "ms_small": told(beside),
        "p99_over_small": round(value / limit, 2), "p50_over_small": round(told(whole)["p50"] / told(beside)["p50"], 2),
        "sequences": {name: _by_place(taken) for name, taken in of[large.orders].items()},
    }  # fmt: skip
    return Result("orders_page", value, "ms", limit, f"the same pages of {small.orders:,} orders", True, conditions)


async def orders_page_naive(bench: Bench) -> Result:
    """Median milliseconds of the deep page of the newest orders with OFFSET, beside that of ours with all HTML."""
    shop = SMALL if bench.quick else WHOLE
    async with bench.environment(shop) as run, board(run) as address:
        connection = await connect(run.settings.postgres_dsn, "views_v1")
        ours = (await _sequence(connection, address, Question())).deep
        page = min(DEEP, shop.orders // PAGE // 2)
        plain = {name: await _plain(connection, number) for name, number in (("first", 1), ("deep", page))}
        await connection.execute("CREATE INDEX ON plain_orders (opened_at DESC)", timeout=3600)
        indexed = {name: await _plain(connection, number) for name, number in (("first", 1), ("deep", page))}
        await connection.close()
    conditions = {
        "orders": shop.orders, "page": page, "query": "newest first, LIMIT 50 OFFSET, on one plain table", "value_is":
        "the deep page, with an index on the time", "ms_with_index": indexed, "ms_without_index": plain,
    }  # fmt: skip
    limit = percentile(ours, 50)
    return Result("orders_page_naive", indexed["deep"], "ms", limit, "the same page of the board", True, conditions)


async def _pages(bench: Bench, shop: GrownShop) -> dict[str, Taken]:
    async with bench.environment(shop) as run, board(run) as address:
        connection = await connect(run.settings.postgres_dsn, "views_v1")
        taken = {name: await _sequence(connection, address, question) for name, question in SEQUENCES.items()}
        await connection.close()
    return taken


async def _sequence(connection: asyncpg.Connection, address: str, question: Question) -> Taken:
    table, where = _meant(question)
    rows = await connection.fetchval(f"SELECT count(*) FROM {table} WHERE {where}", timeout=600)  # noqa: S608 - our own
    chance = random.Random(rows)
    places = sorted(chance.sample(range(rows), min(rows, DRAWN)))
    deep, *drawn = await _cursors(connection, question, [min(PAGE * (DEEP - 1), rows // 2), *places])
    found = Taken([], [], [])
    async with asker(address) as reader:
        await reader.page(question.address("/orders"))  # the statements are prepared, the template is compiled
        found.first += await _turned(reader, question.address("/orders"))
        found.deep += await _turned(reader, question.address("/orders", after=deep))
        for cursor in drawn:
            for way in ("after", "before"):
                found.drawn.append((await reader.page(question.address("/orders", **{way: cursor}))).ms)
    return found


async def _turned(reader: Asker, path: str) -> list[float]:
    """Return the milliseconds of pages turned forwards from a path, and then backwards."""
    taken = []
    for link in (_AFTER, _BEFORE):
        for _ in range(TURNED):
            page = await reader.page(path)
            taken.append(page.ms)
            found = link.search(page.body)
            if found is None:
                break
            path = unescape(found.group(1).decode())
    return taken


async def _cursors(connection: asyncpg.Connection, question: Question, places: list[int]) -> list[str]:
    """Return the cursors of the orders at these places of a sequence, found by numbering all of it."""
    key, (table, where) = key_of(question), _meant(question)
    way = "DESC" if key.descending else "ASC"
    columns = ", ".join({"order_no", key.column})
    query = f"""SELECT * FROM (
                    SELECT {columns}, row_number() OVER (ORDER BY {key.column} {way}, order_no {way}) - 1 AS place
                      FROM {table} WHERE {where}) AS numbered
                 WHERE place = ANY($1)"""  # noqa: S608 - words of our own
    found = {row["place"]: key.cursor(row) for row in await connection.fetch(query, places, timeout=600)}
    return [found[place] for place in places]


def _meant(question: Question) -> tuple[str, str]:
    """Return where the orders of a question are, and which they are, without any of the board's own SQL."""
    if question.item:
        return "order_items", f"item_id = '{question.item}'"
    if question.sequence is Sort.LONGEST or (question.stage is not None and question.stage not in FINAL):
        return "open_orders", f"stage = '{question.stage}'" if question.stage else "true"
    if question.stage is not None:
        return "closed_orders", f"stage = '{question.stage}'"
    if question.sequence is Sort.PRICE:
        return _EITHER, "price_currency = 'EUR' AND price_amount IS NOT NULL"
    return (
        _EITHER,
        f"partner = '{question.partner}'" if question.partner else "anomalies > 0" if question.odd else "true",
    )


def _by_place(taken: Taken) -> dict[str, float]:
    places = {"first": taken.first, "deep": taken.deep, "drawn": taken.drawn}
    return {f"{name}_{what}": ms for name, found in places.items() for what, ms in told(found).items()}


async def _plain(connection: asyncpg.Connection, page: int) -> float:
    """Return the median milliseconds of a page of the plain table, which is made if it is not there."""
    if await connection.fetchval("SELECT to_regclass('plain_orders') IS NULL"):
        columns = "order_id, stage, partner, customer_id, price_amount, price_currency, opened_at, stage_since"
        make = f"CREATE TABLE plain_orders AS SELECT {columns} FROM {_EITHER}"  # noqa: S608 - names of our own
        await connection.execute(make, timeout=3600)
        await connection.execute("VACUUM ANALYZE plain_orders", timeout=3600)
    query = "SELECT * FROM plain_orders ORDER BY opened_at DESC LIMIT $1 OFFSET $2"
    taken = []
    for _ in range(5):
        started = time.perf_counter()
        await connection.fetch(query, PAGE, PAGE * (page - 1), timeout=600)
        taken.append((time.perf_counter() - started) * 1000)
    return percentile(taken, 50)
