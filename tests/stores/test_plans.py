"""The queries of the hot path find their rows by index, however large the tables have grown."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import asyncpg
import orjson
import pytest

from cli.localservers import Addresses
from pipelines.engine.instance.projection import OrderChange
from pipelines.engine.stores import ledger
from pipelines.engine.stores.named_sql import named_sql
from pipelines.engine.stores.postgres import BY_KEY, connect
from pipelines.flows.views import stays, tables
from pipelines.flows.views.projection import Views
from pipelines.flows.views.rows import packed
from schemas.lifecycle import Holder, Stage
from schemas.views import OrderState
from tests.support.emptied import tables_only

ROWS = 50_000
ROW_TYPES = (*ledger.ROW_TYPES, *Views.row_types)

STORES, VIEWS = "pipelines.engine.stores", "pipelines.flows.views"

NOW = datetime.now(UTC)

FILL = f"""
    INSERT INTO order_index (order_id, opened_at) SELECT 'order-' || n, now() FROM generate_series(1, {ROWS}) n;
    INSERT INTO ledger SELECT n / 10, decode(md5(n::text), 'hex'), n, n % 8, n FROM generate_series(1, {ROWS}) n;
    INSERT INTO parked SELECT n / 10, n, n % 8, '', '', '', now() FROM generate_series(1, {ROWS}) n;
    INSERT INTO open_orders
    SELECT n, 'order-' || n, n % 8, (ARRAY['initiated', 'submitted', 'packaging'])[n % 3 + 1], 'shop', NULL, NULL, NULL,
           NULL, now() - n * interval '1 minute', now(), now(), 1, 0, n, now(), '/shop'
      FROM generate_series(1, {ROWS}) n;
    INSERT INTO closed_orders
    SELECT {ROWS} + n, 'closed-' || n, n % 8, 'closed', 'nobody', NULL, NULL, NULL, NULL,
           now() - n * interval '1 minute', now(), now(), 1, 0, n, now(), now(), '/shop'
      FROM generate_series(1, {ROWS}) n;
    INSERT INTO stays SELECT stage, stage_since, order_no FROM open_orders;
    INSERT INTO stay_days SELECT n % 8, 'packaging', 'mes', date '1900-01-01' + n, 1 FROM generate_series(1, {ROWS}) n;
    ANALYZE;
"""


@pytest.fixture(scope="module")
async def grown(servers: Addresses) -> AsyncIterator[asyncpg.Connection]:
    """A connection to tables of fifty thousand rows each."""
    async with tables_only(servers) as run:
        connection = await connect(run.settings.postgres_dsn, "views_v1", planning=BY_KEY, row_types=ROW_TYPES)
        await connection.execute(FILL)
        yield connection
        await connection.close()


async def _scans(connection: asyncpg.Connection, query: str, *arguments: Any) -> dict[str, set[str]]:
    """Return by which kinds of scan the query reads each table, whatever its arguments are; "" stands for no table."""
    async with connection.transaction():
        [[text]] = await connection.fetch(f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {query}", *arguments)
        [plan] = orjson.loads(text)
    found: dict[str, set[str]] = {}

    def visit(node: dict[str, Any]) -> None:
        if "Scan" in node["Node Type"] and "Relation Name" in node:
            found.setdefault(node["Relation Name"], set()).add(node["Node Type"])
        if node["Node Type"] in ("Sort", "Incremental Sort"):
            found.setdefault("", set()).add(node["Node Type"])
        for child in node.get("Plans", []):
            visit(child)

    visit(plan["Plan"])
    return found


def _by_index(scans: dict[str, set[str]], *tables: str) -> None:
    for table in tables:
        assert table in scans
        assert scans[table] <= {"Index Scan", "Index Only Scan"}, scans


NUMBERS = list(range(1000, 1200))
STATE = OrderState(
    order_id="A", stage=Stage.SUBMITTED, holder=Holder.PRICING, partner=None, customer_id=None, price_amount=None,
    price_currency=None, opened_at=NOW, stage_since=NOW, stage_recorded_at=NOW, revision=1, anomalies=0, last_offset=1,
    last_recorded_at=NOW, opened_by="/shop",
)  # fmt: skip
IDENTITIES = [number.to_bytes(16, "big") for number in NUMBERS]


async def test_a_plan_without_an_index_is_seen(grown: asyncpg.Connection) -> None:
    scans = await _scans(grown, "SELECT * FROM ledger WHERE content = 5")  # nothing else can be done
    assert scans == {"ledger": {"Seq Scan"}}
    with pytest.raises(AssertionError):
        _by_index(scans, "ledger")


async def test_the_ledger_is_asked_by_index(grown: asyncpg.Connection) -> None:
    by_id = [ledger.by_id(f"order-{number}", bytes(16)) for number in NUMBERS]
    by_number = [ledger.by_number(number, bytes(16)) for number in NUMBERS]
    for questions in by_id, by_number:
        found = await _scans(grown, named_sql(STORES, "ledger_look_up"), questions)
        _by_index(found, "ledger", "order_index", "parked")


async def test_the_ledger_marks_releases_by_index(grown: asyncpg.Connection) -> None:
    _by_index(await _scans(grown, named_sql(STORES, "ledger_release"), NUMBERS, IDENTITIES), "ledger")


async def test_parked_events_are_found_and_forgotten_by_index(grown: asyncpg.Connection) -> None:
    _by_index(await _scans(grown, named_sql(STORES, "parked_events"), NUMBERS), "parked")
    _by_index(await _scans(grown, named_sql(STORES, "parked_forget"), NUMBERS, NUMBERS), "parked")
    reasons = ["why"] * len(NUMBERS)
    _by_index(await _scans(grown, named_sql(STORES, "parked_renew"), NUMBERS, NUMBERS, reasons), "parked")


async def test_open_and_closed_orders_are_loaded_by_index(grown: asyncpg.Connection) -> None:
    _by_index(await _scans(grown, named_sql(VIEWS, "load_open"), NUMBERS), "open_orders")
    closed = await _scans(grown, named_sql(VIEWS, "load_closed"), [ROWS + number for number in NUMBERS])
    _by_index(closed, f"closed_orders_{NOW:%Y_%m}")


async def test_orders_are_updated_and_closed_by_index(grown: asyncpg.Connection) -> None:
    rows = [packed(number, 0, STATE) for number in NUMBERS]
    _by_index(await _scans(grown, named_sql(VIEWS, "open_orders_change"), rows), "open_orders")
    _by_index(await _scans(grown, named_sql(VIEWS, "open_orders_remove"), NUMBERS), "open_orders")
    _by_index(await _scans(grown, named_sql(VIEWS, "closed_orders_change"), rows), f"closed_orders_{NOW:%Y_%m}")


async def test_lanes_are_read_by_index_already_in_order(grown: asyncpg.Connection) -> None:
    for query, arguments, read in [
        (named_sql(VIEWS, "snapshot_open"), (3, ["initiated", "submitted"], [200, 7]), ("stays", "open_orders")),
        (named_sql(VIEWS, "snapshot_closed"), (3, "closed", 200), (f"closed_orders_{NOW:%Y_%m}",)),
    ]:
        scans = await _scans(grown, query, *arguments)
        _by_index(scans, *read)
        assert "" not in scans, f"{read}: sorted"


async def test_stays_are_ended_and_days_counted_by_index(grown: asyncpg.Connection) -> None:
    ended, _, *days = stays.writes(0, [OrderChange(1, STATE, replace(STATE, stage=Stage.SHIPPED))])
    assert ended.name == "stays_end"
    _by_index(await _scans(grown, ended.query, *ended.arguments), "stays")
    for write in days:
        _by_index(await _scans(grown, write.query, *write.arguments), "stay_days")


async def test_an_update_stays_on_its_page_and_writes_to_no_index(grown: asyncpg.Connection) -> None:
    apart = list(range(100, ROWS, 250))  # so that the page of each has room
    orders = await tables.load(grown, apart)
    moved = [
        packed(number, 0, replace(state, stage=Stage.SHIPPED, stage_since=NOW, revision=2, last_offset=5))
        for number, state in orders.items()
    ]
    async with grown.transaction():
        await grown.execute(named_sql(VIEWS, "open_orders_change"), moved)
        updated, hot = await grown.fetchrow(
            """SELECT pg_stat_get_xact_tuples_updated(o), pg_stat_get_xact_tuples_hot_updated(o)
                 FROM to_regclass('open_orders') AS o"""
        )
    assert updated == hot == len(apart)
