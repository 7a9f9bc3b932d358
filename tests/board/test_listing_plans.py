"""Every question is answered by walking an index, however many orders there are: no table is scanned, nothing that may
be long is sorted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import orjson
import pytest

from cli.localservers import Addresses
from dashboards.operator.database import IN_SEQUENCE
from dashboards.operator.listing.question import Question, Sort, SourceKind
from dashboards.operator.listing.walk import key_of, walk
from pipelines.engine.stores.named_sql import named_sql
from pipelines.engine.stores.postgres import connect
from schemas.lifecycle import Stage
from tests.board.crowd import NOW, crowd, settled
from tests.board.test_plans import nodes

ORDERS = crowd(60_000, seed=2)
LIMIT = 51


@pytest.fixture(scope="module")
async def connection(servers: Addresses) -> AsyncIterator[asyncpg.Connection]:
    """A connection to tables of sixty thousand orders."""
    async with settled(servers, ORDERS) as run:
        connection = await connect(run.settings.postgres_dsn, "views_v1", planning=IN_SEQUENCE)
        yield connection
        await connection.close()


async def _plan(connection: asyncpg.Connection, query: str, *arguments: Any) -> list[dict[str, Any]]:
    [[text]] = await connection.fetch(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}", *arguments)
    return nodes(orjson.loads(text)[0]["Plan"])


def _check(plan: list[dict[str, Any]], most: int) -> None:
    """Nothing but indexes is read, nothing is sorted, and no more than `most` rows are met."""
    kinds = {node["Node Type"] for node in plan}
    assert not kinds & {"Seq Scan", "Sort", "Bitmap Heap Scan", "Hash Join", "Materialize"}, kinds
    read = [node for node in plan if "Relation Name" in node]
    assert read
    assert sum(node["Actual Rows"] * node["Actual Loops"] for node in read) <= most


WALKS = [
    Question(),
    Question(partner="acme"),
    Question(customer="c1"),
    Question(odd=True),
    Question(source=SourceKind.SHOP),
    Question(stage=Stage.SUBMITTED),
    Question(stage=Stage.CANCELLED),
    Question(sort=Sort.LONGEST),
    Question(sort=Sort.LONGEST, stage=Stage.SHIPPED),
    Question(stuck=True),
    Question(stuck=True, partner="acme", odd=True),
    Question(sort=Sort.PRICE, currency="USD"),
    Question(sort=Sort.PRICE, stage=Stage.CLOSED, partner="beta"),
    Question(item="i1"),
]


@pytest.mark.parametrize("question", WALKS, ids=lambda question: question.address("") or "all")
@pytest.mark.parametrize("backwards", [False, True], ids=["forwards", "backwards"])
@pytest.mark.parametrize("deep", [False, True], ids=["first", "deep"])
async def test_a_page_is_a_walk_down_an_index(
    connection: asyncpg.Connection, question: Question, deep: bool, backwards: bool
) -> None:
    start = ""
    if deep:
        key = key_of(question)
        value = {"timestamptz": NOW - timedelta(days=20), "numeric": 20, "bigint": 30_000}[key.kind]
        start = key.cursor({key.column: value, "order_no": 30_000})
    way = walk(question, NOW, LIMIT, start, backwards=backwards, few=False)
    plan = await _plan(connection, way.orders, *way.arguments)
    # A page's rows, each from a key and an order; by filters that most orders pass not, some tens of times as many.
    filtered = bool(question.source or (question.stuck and question.partner) or question.stage or question.partner)
    _check(plan, 2 * LIMIT * (40 if filtered else 3))
    _check(await _plan(connection, way.end, *way.end_arguments), 6_000)


FEW = [
    Question(customer="c1", sort=Sort.LONGEST),
    Question(customer="c1", stuck=True),
    Question(customer="c1", stage=Stage.SUBMITTED),
    Question(customer="c1", sort=Sort.PRICE),
    Question(partner="rare", sort=Sort.LONGEST),
]


@pytest.mark.parametrize("question", FEW, ids=lambda question: question.address(""))
async def test_few_orders_are_found_by_index_and_sorted(connection: asyncpg.Connection, question: Question) -> None:
    way = walk(question, NOW, LIMIT, "", backwards=False, few=True)
    plan = await _plan(connection, way.orders, *way.arguments)
    assert "Seq Scan" not in {node["Node Type"] for node in plan}
    meant = [o for o in ORDERS if question.customer in ("", o.customer_id) and question.partner in ("", o.partner)]
    read = [node for node in plan if "Relation Name" in node and node["Node Type"] != "Bitmap Index Scan"]
    assert 0 < sum(node["Actual Rows"] * node["Actual Loops"] for node in read) <= len(meant)


async def test_a_word_is_looked_up_by_index(connection: asyncpg.Connection) -> None:
    for query, arguments in (("find", ("c1",)), ("beginning", ("acme:", "acme:\U0010ffff", 50))):
        plan = await _plan(connection, named_sql("dashboards.operator.listing", query), *arguments)
        scanned = {node["Relation Name"] for node in plan if node["Node Type"] == "Seq Scan"}
        assert scanned <= {"counts"}  # a row for each stage and partner
        assert "Sort" not in {node["Node Type"] for node in plan}
