"""The example shops, in Python and in Node: what they have stored they have said, once, in order, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path

import asyncpg
import httpx
import pytest

from pipelines.edges.outbox.installation import install
from tests.examples.shops import EXAMPLES, PYTHON_COMMAND, ShopProcess, node_program, open_shop, stream_of
from tests.outbox.relaying import relaying, until_confirmed
from tests.support.runs import Run
from tests.support.waiting import until

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture(scope="session", params=["python", "node"])
def command(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Sequence[str]:
    """How a shop is started."""
    if request.param == "python":
        return PYTHON_COMMAND
    return ("node", str(node_program("shop-node", tmp_path_factory.mktemp("node")) / "shop.js"))


@pytest.fixture
async def database(run: Run) -> AsyncIterator[asyncpg.Connection]:
    """A connection to the shop's database, its tables and outbox made."""
    await install(run.settings.postgres_dsn, "/shop")
    connection = await asyncpg.connect(run.settings.postgres_dsn)
    await connection.execute((EXAMPLES / "shop" / "schema.sql").read_text())
    yield connection
    await connection.close()


@pytest.fixture
async def shop(
    command: Sequence[str], database: asyncpg.Connection, run: Run, tmp_path: Path
) -> AsyncIterator[ShopProcess]:
    """A running shop."""
    async with open_shop(command, run.settings.postgres_dsn, tmp_path / "shop.log") as process:
        yield process


async def events(run: Run, database: asyncpg.Connection) -> dict[str, list[str]]:
    """Relay, and return the names of each order's events in the stream."""
    async with relaying(run, run.settings.postgres_dsn):
        await until_confirmed(database)
    return {order: [event["type"] for event in told] for order, told in (await stream_of(run)).items()}


async def test_an_order_and_its_events_are_one(shop: ShopProcess, run: Run, database: asyncpg.Connection) -> None:
    placed = await shop.place("k1", traceparent=TRACE)
    assert placed.status_code == 201
    order_id = placed.json()["id"]
    assert (await shop.submit(order_id)).status_code == 200
    assert await events(run, database) == {order_id: ["order.initiated.v1", "order.submitted.v1"]}
    initiated, submitted = (await stream_of(run))[order_id]
    assert (initiated["source"], initiated["traceparent"]) == ("/shop", TRACE)
    assert initiated["data"] == {"customer_id": "c-7"}
    assert submitted["data"] == {"items": [{"item_id": "gear-40", "quantity": 3}]}
    assert "traceparent" not in submitted


async def test_a_repeated_request_changes_nothing(shop: ShopProcess, run: Run, database: asyncpg.Connection) -> None:
    answers = await asyncio.gather(*(shop.place("k1") for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    (order_id,) = {answer.json()["id"] for answer in answers}
    assert {answer.status_code for answer in await asyncio.gather(*(shop.submit(order_id) for _ in range(4)))} == {200}
    assert (await shop.place("k1", "c-8")).status_code == 422
    assert await events(run, database) == {order_id: ["order.initiated.v1", "order.submitted.v1"]}


async def test_what_is_refused_leaves_nothing(shop: ShopProcess, run: Run, database: asyncpg.Connection) -> None:
    assert (await shop.place("k1", "")).status_code == 422
    assert (await shop.client.post("/orders", json={"customer_id": "c-7"})).status_code == 422
    assert (await shop.submit("S-1")).status_code == 404
    assert (await shop.place("k2", traceparent="nonsense")).status_code == 201
    assert (await shop.place("k3", "c\x017")).status_code == 422
    # Whatever the outbox refuses, the order must not stay behind without its event.
    await database.execute("UPDATE warren_outbox.outbox SET may_not_send = '{initiated}'")
    assert (await shop.place("k4")).status_code == 500
    assert await database.fetchval("SELECT count(*) FROM orders") == len(await events(run, database)) == 1


async def placed_at_least(database: asyncpg.Connection, orders: int) -> bool:
    """Whether there are so many."""
    return bool(await database.fetchval("SELECT count(*) >= $1 FROM orders", orders))


async def test_killed_in_the_middle_of_requests_it_has_said_what_it_has_stored(
    shop: ShopProcess, run: Run, database: asyncpg.Connection
) -> None:
    async def placed(number: int) -> str:
        while True:
            try:
                answer = await shop.place(f"k{number}")
                assert answer.status_code in (200, 201), answer.text
                order_id: str = answer.json()["id"]
                assert (await shop.submit(order_id)).status_code == 200
                return order_id
            except httpx.TransportError:
                await asyncio.sleep(0.05)

    customers = [asyncio.create_task(placed(number)) for number in range(120)]
    for wanted in (15, 60):
        await until(partial(placed_at_least, database, wanted), f"{wanted} orders")
        shop.kill()
        await shop.start()
    orders = await asyncio.gather(*customers)
    assert len(set(orders)) == 120
    stored = {row["id"] for row in await database.fetch("SELECT id FROM orders")}
    assert stored == set(orders)
    assert await events(run, database) == {order: ["order.initiated.v1", "order.submitted.v1"] for order in orders}
