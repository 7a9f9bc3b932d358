"""What is in the database: of an erased customer nothing, of all others everything; and the audit knows both."""

from __future__ import annotations

import json

import asyncpg
import pytest

from pipelines.audit import Kind
from schemas.streams import partition_of
from tests.audit.stores import PARKING, PARTITIONS, SOUND, Stores, commit, publish, publish_raw
from tests.erasure.shop import IVAN, IVANS, MARIA, erase, named, naming, note
from tests.support.events import event
from tests.support.runs import Run


async def orders(connection: asyncpg.Connection) -> dict[str, str | None]:
    """Return the customer of each order."""
    rows = await connection.fetch(
        "SELECT order_id, customer_id FROM open_orders UNION ALL SELECT order_id, customer_id FROM closed_orders"
    )
    return {row["order_id"]: row["customer_id"] for row in rows}


async def bodies(connection: asyncpg.Connection) -> dict[tuple[str, int], bytes]:
    """Return the bytes of every event in the timeline, by order and offset."""
    rows = await connection.fetch(
        "SELECT order_id, stream_offset, body FROM timeline JOIN order_index USING (order_no)"
    )
    return {(row["order_id"], row["stream_offset"]): row["body"] for row in rows}


async def test_nothing_names_him_and_all_else_is_as_before(stores: Stores) -> None:
    had = await naming(stores.connection)
    assert len(had) >= 10, "the tables had nothing of him to begin with"
    before, of_before = await bodies(stores.connection), await orders(stores.connection)
    done = await erase(stores.settings)
    assert done.finished
    assert (done.orders, done.messages, done.parked) == (len(IVANS), 2, [])
    assert await naming(stores.connection) == []
    after = await bodies(stores.connection)
    assert done.events == sum(order_id in IVANS for order_id, _ in before)
    assert after == {key: b"" if key[0] in IVANS else body for key, body in before.items()}
    assert await orders(stores.connection) == of_before | dict.fromkeys(IVANS, "")
    assert of_before["M1"] == MARIA
    report = await stores.audit()
    assert report.clean, report.findings


@pytest.mark.parametrize("customer", ['Илья "4711"', "back\\slash", "per%cent_", "émile", "'; --"])
@pytest.mark.parametrize("ascii_only", [True, False], ids=["escaped", "as it is"])
async def test_ids_of_any_characters_are_found(stores: Stores, shop: Run, customer: str, ascii_only: bool) -> None:
    """In an order that is somebody else's by now, so by its events alone."""
    order = f"odd {customer} {ascii_only}".encode().hex()
    events = [named(order, customer), named(order, MARIA, event_id="hers")]
    bodies = [json.dumps(event, ensure_ascii=ascii_only).encode() for event in events]
    await publish_raw(shop.settings, partition_of(order, PARTITIONS), *bodies)
    await commit(stores.settings, SOUND())
    done = await erase(stores.settings, customer)
    assert (done.finished, done.orders >= 1) == (True, True)
    kept = await stores.connection.fetch("SELECT body FROM timeline WHERE order_no = $1", await stores.number(order))
    assert [row["body"] for row in kept] == [b"", b""]


async def test_a_dry_run_says_what_there_is_and_leaves_it(stores: Stores) -> None:
    had = await naming(stores.connection)
    found = await erase(stores.settings, dry_run=True)
    assert (found.orders, found.messages) == (len(IVANS), 2)
    assert await naming(stores.connection) == had
    assert await stores.connection.fetchval("SELECT count(*) FROM warren.erased") == 0


async def test_a_second_time_there_is_nothing_left_to_do(stores: Stores) -> None:
    await erase(stores.settings)
    epochs = await stores.connection.fetch("SELECT epoch FROM checkpoint ORDER BY partition")
    again = await erase(stores.settings)
    assert (again.events, again.messages, again.finished) == (0, 0, True)
    assert await stores.connection.fetch("SELECT epoch FROM checkpoint ORDER BY partition") == epochs


async def test_the_audit_finds_what_was_not_erased(stores: Stores) -> None:
    kept = await stores.connection.fetchrow(
        "SELECT order_no, stream_offset, body FROM timeline WHERE event_id = 'I1-submitted'"
    )
    waiting = await stores.connection.fetchrow("SELECT * FROM quarantine WHERE reason = 'invalid'")
    await erase(stores.settings)
    await stores.connection.execute(
        "UPDATE timeline SET body = $3 WHERE order_no = $1 AND stream_offset = $2", *kept.values()
    )
    await stores.connection.execute("UPDATE quarantine SET body = $1 WHERE reason = 'invalid'", waiting["body"])
    await stores.connection.execute("UPDATE open_orders SET customer_id = $1 WHERE order_id = 'I3'", IVAN)
    report = await stores.audit()
    assert sorted((f.kind, f.order_id) for f in report.findings) == [
        (Kind.NOT_ERASED, "I1"), (Kind.NOT_ERASED, "I3"), (Kind.NOT_ERASED, "I6"),
    ]  # fmt: skip


async def test_what_waits_parked_is_said_and_goes_when_it_is_released(stores: Stores, shop: Run) -> None:
    """Its bytes are needed until it has taken effect."""
    await publish(shop.settings, [note("P1", "boom"), named("P1", IVAN)])
    await commit(stores.settings, PARKING())
    done = await erase(stores.settings)
    assert (done.finished, done.parked) == (False, ["P1"])
    assert [row.partition(":")[0] for row in await naming(stores.connection)] == ["parked"]
    assert (await stores.audit()).clean
    await publish(shop.settings, [event("P1", "released")])
    await commit(stores.settings, SOUND())
    assert await naming(stores.connection) == []
    assert (await erase(stores.settings)).finished
    report = await stores.audit()
    assert report.clean, report.findings
