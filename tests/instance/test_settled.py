"""Messages in quarantine that operators drop or correct: settled once, by who was first, and nothing else moves."""

from __future__ import annotations

from typing import Any

import asyncpg

from schemas.streams import partition_of
from tests.instance.direct import batch, commit_all, instance, orders_of
from tests.instance.tables import check_consistent
from tests.support.events import event
from tests.support.runs import Run

A, B, C, D = orders_of(0, 4)


def dropped(order_id: str, place: str, author: str = "ada") -> dict[str, Any]:
    about = {"author": author, "reason": "rubbish", "event": {"source": "/quarantine", "id": place}}
    return event(order_id, "dropped", event_id=f"{order_id}/{place}/{author}", data=about)


def corrected(order_id: str, place: str, name: str, source: str, **data: Any) -> dict[str, Any]:
    said = {"source": source, "type": f"order.{name}.v1", "data": data}
    about = {"source": "/quarantine", "id": place}
    fields = {"author": "ada", "reason": "typo", "event": about, "corrected": said}
    return event(order_id, "correction", event_id=f"{order_id}/{place}", hour=2, data=fields)


async def _settled(connection: asyncpg.Connection) -> list[tuple[object, ...]]:
    rows = await connection.fetch(
        "SELECT partition, stream_offset, how, author, order_id, by_offset"
        "  FROM quarantine JOIN order_index USING (order_no) ORDER BY 1, 2"
    )
    return [tuple(row) for row in rows]


async def test_a_message_is_settled_by_the_first_who_does(run: Run) -> None:
    await commit_all(
        run,
        [event(A, "submitted"), dropped(A, "3:7"), dropped(B, "3:7", "bob"), dropped(B, "3:8")],
        [
            dropped(A, "3:8", "eve"),
            corrected(A, "3:9", "price_calculated", "/mes", price={"amount": "2", "currency": "EUR"}),
        ],
    )
    connection = await run.connect()
    assert await _settled(connection) == [
        (3, 7, "dropped", "ada", A, 1), (3, 8, "dropped", "ada", B, 3), (3, 9, "corrected", "ada", A, 5),
    ]  # fmt: skip
    row = await connection.fetchrow("SELECT stage, price_amount, revision FROM open_orders WHERE order_id = $1", A)
    assert tuple(row) == ("price_calculated", 2, 4)
    await check_consistent(connection)
    await connection.close()


async def test_who_was_first_is_told_by_the_log_and_not_by_who_is_read_first(run: Run) -> None:
    """Partitions are read in any sequence."""
    connection = await run.connect()
    await connection.execute(
        "INSERT INTO quarantine (partition, stream_offset, reason, detail, body, recorded_at, how, author, order_no,"
        " by_offset, settled_at) VALUES (3, 7, 'invalid', '', '', now(), 'dropped', 'late', 99, 5, '2100-01-01'),"
        " (3, 8, 'invalid', '', '', now(), 'dropped', 'early', 99, 5, '2000-01-01')"
    )
    await commit_all(run, [dropped(A, "3:7"), dropped(A, "3:8")])
    rows = await connection.fetch("SELECT author, reason FROM quarantine ORDER BY stream_offset")
    assert [tuple(row) for row in rows] == [("ada", "invalid"), ("early", "invalid")]
    await connection.close()


async def test_a_message_that_is_read_after_it_was_settled_is_settled(run: Run) -> None:
    (elsewhere,) = orders_of(1, 1)
    async with instance(run, claim=(0, 1)) as running:
        await running.commit(batch([dropped(A, "1:0")]))
        await running.commit(batch([{**event(elsewhere, "submitted"), "time": "yesterday"}], partition=1))
    connection = await run.connect()
    row = await connection.fetchrow("SELECT reason, how, author, body FROM quarantine")
    assert (row["reason"], row["how"], row["author"]) == ("invalid", "dropped", "ada")
    assert b"yesterday" in row["body"]
    await connection.close()


async def test_a_message_may_be_settled_in_the_batch_it_comes_in(run: Run) -> None:
    await commit_all(run, [{**event(A, "submitted"), "time": "yesterday"}, dropped(A, "0:0"), event(A, "initiated")])
    connection = await run.connect()
    row = await connection.fetchrow("SELECT reason, how, author, by_offset FROM quarantine")
    assert tuple(row) == ("invalid", "dropped", "ada", 1)
    assert await connection.fetchval("SELECT revision FROM open_orders") == 2
    await connection.close()


async def test_of_no_order_nothing_is_kept_but_the_event(run: Run) -> None:
    async with instance(run) as running:
        name = next(f"~q-{n}" for n in range(1000) if partition_of(f"~q-{n}", 4) == 0)
        await running.commit(batch([event(A, "submitted"), dropped(name, "3:7"), dropped(name, "3:8")]))
        await running.commit(batch([dropped(name, "3:9")], 3))
        connection = await run.connect()
        assert await connection.fetchval("SELECT count(*) FROM open_orders") == 1
        assert await connection.fetchval("SELECT sum(orders) FROM counts") == 1
        rows = await connection.fetch(
            "SELECT revision FROM timeline JOIN order_index USING (order_no) WHERE order_id = $1", name
        )
        assert [row["revision"] for row in rows] == [0, 0, 0]
        assert [row[:2] for row in await _settled(connection)] == [(3, 7), (3, 8), (3, 9)]
        await connection.close()


async def test_items_of_a_corrected_order_are_found(run: Run) -> None:
    await commit_all(run, [corrected(A, "3:1", "submitted", "/shop", items=[{"item_id": "i7", "quantity": 1}])])
    connection = await run.connect()
    assert await connection.fetchval("SELECT item_id FROM order_items") == "i7"
    await connection.close()
