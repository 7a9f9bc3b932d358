"""What comes after an erasure, and what is built anew: nobody can bring the customer back."""

from __future__ import annotations

import asyncpg
import pytest

from cli.localservers import Addresses
from pipelines.engine.instance.owner import Owner
from pipelines.engine.instance.storm import StormWatch
from pipelines.engine.stores.postgres import connect
from pipelines.engine.transport import Batch
from pipelines.flows.views.projection import Views
from schemas.erasure import customer_digest
from schemas.errors import Fenced
from tests.audit.stores import PARTITIONS, SOUND, Stores, commit, publish, publish_raw
from tests.erasure.shop import EVENTS, IVAN, erase, fill, named, naming, note
from tests.instance.direct import batch, orders_of
from tests.support.events import event
from tests.support.runs import fresh_run

ORDER, NEW = orders_of(0, 2, PARTITIONS)


def owner(stores: Stores, views: Views) -> Owner:  # type: ignore[type-arg]
    """Return an owner of partition 0."""
    return Owner(stores.settings.postgres_dsn, "views_v1", "views@1", 0, PARTITIONS, views, StormWatch())


async def begin(stores: Stores, *, views: Views | None = None) -> tuple[Owner, int]:  # type: ignore[type-arg]
    """Return an owner who has claimed partition 0, and where it goes on."""
    one = owner(stores, views or Views())
    return one, (await one.claim("test")).offset


async def test_an_owner_from_before_cannot_commit(stores: Stores) -> None:
    """He folded without the list, and remembers orders as they were."""
    before, offset = await begin(stores)
    await before.commit(batch([named(ORDER, IVAN)], offset))
    await erase(stores.settings)
    late: Batch = batch([note(ORDER, IVAN)], offset + 1)
    with pytest.raises(Fenced):
        await before.commit(late)
    assert await naming(stores.connection) == []
    after, again = await begin(stores)
    assert again == offset + 1
    await after.commit(late)
    await after.let_go()
    assert await naming(stores.connection) == []
    assert await stores.connection.fetchval("SELECT customer_id FROM open_orders WHERE order_id = $1", ORDER) == ""


async def test_while_rows_still_name_him_nobody_reads_him_from_there(stores: Stores) -> None:
    """Between the list and the rows: who claims then writes whole rows, and cards, of what he has read."""
    one, offset = await begin(stores)
    await one.commit(batch([named(ORDER, IVAN)], offset))
    await one.let_go()
    await stores.connection.execute(
        "INSERT INTO warren.erased (customer, requested_by) VALUES ($1, 'ada')", customer_digest(IVAN)
    )
    cards, _ = await Views().snapshot(stores.connection, 0)
    assert ORDER in {card.order_id for card in cards}
    assert not any(IVAN.encode() in card.card for card in cards)
    one, offset = await begin(stores)
    await one.commit(batch([note(ORDER, "hello")], offset))
    await one.let_go()
    assert await stores.connection.fetchval("SELECT customer_id FROM open_orders WHERE order_id = $1", ORDER) == ""


async def test_of_two_partitions_that_ask_at_once_none_forgets_what_the_other_was_told(stores: Stores) -> None:
    views = Views()
    one, offset = await begin(stores, views=views)
    await erase(stores.settings)
    two, offset = await begin(stores, views=views)
    await one.let_go()
    await stores.connection.execute("DELETE FROM warren.erased")  # as an answer from before would be
    await views.begin(stores.connection)
    await two.commit(batch([named(NEW, IVAN)], offset))
    await two.let_go()
    assert await naming(stores.connection) == []


async def test_an_order_that_turns_out_to_be_his_loses_what_came_before(stores: Stores) -> None:
    one, offset = await begin(stores)
    await one.commit(batch([event(NEW, "file_uploaded", data={"file_name": "my part.stl"})], offset))
    await one.let_go()
    await erase(stores.settings)
    one, offset = await begin(stores)
    await one.commit(batch([named(NEW, IVAN), note(NEW, "hello")], offset))
    await one.let_go()
    rows = await stores.connection.fetch(
        "SELECT revision, body FROM timeline JOIN order_index USING (order_no) WHERE order_id = $1 ORDER BY 1", NEW
    )
    assert [(row["revision"], row["body"]) for row in rows] == [(1, b""), (2, b""), (3, b"")]


async def test_a_message_that_names_him_goes_to_quarantine_without_its_bytes(stores: Stores) -> None:
    await erase(stores.settings)
    one, offset = await begin(stores)
    await one.commit(batch([b'no JSON, but "customer_id": "' + IVAN.encode() + b'"', b"no JSON"], offset))
    await one.let_go()
    rows = await stores.connection.fetch("SELECT body FROM quarantine WHERE stream_offset >= $1 ORDER BY 1", offset)
    assert [row["body"] for row in rows] == [b"", b"no JSON"]


async def test_what_is_built_anew_from_the_log_is_what_is_there(servers: Addresses) -> None:
    """I7: with the list, every fold of the log gives the tables that the erasure left."""
    async with fresh_run(servers, partitions=PARTITIONS) as run:
        live = Stores(run.settings, await connect(run.settings.postgres_dsn, "views_v1"))
        try:
            await fill(run.settings)
            await erase(run.settings)
            await publish(run.settings, [note("I1", "later"), named("I7", IVAN), named("M3", "maria-17"), *EVENTS[:2]])
            await publish_raw(run.settings, 1, b'{"customer_id": "' + IVAN.encode() + b'"')
            await commit(run.settings, SOUND())
            there = await tables(live.connection)
            await live.connection.execute(_EMPTY)
            await commit(run.settings, SOUND())
            assert await tables(live.connection) == there
            assert (await live.audit()).clean
        finally:
            await live.connection.close()


_EMPTY = """
    TRUNCATE order_index, ledger, quarantine, parked, open_orders, closed_orders, timeline, counts, stays, stay_days,
             overdue_days, order_items;
    UPDATE checkpoint SET next_offset = 0, applied = 0, duplicates = 0, quarantined = 0, parked = 0
"""


async def tables(connection: asyncpg.Connection) -> dict[str, list[str]]:
    """Return what the tables say, order by order, but for numbers and times that are of the machine."""
    of_orders = (
        "SELECT (i.order_id, to_jsonb(t) - 'order_no')::text FROM {} AS t JOIN order_index AS i USING (order_no)"
    )
    queries = {
        **{name: of_orders.format(name) for name in ("open_orders", "closed_orders", "timeline")},
        "quarantine": "SELECT (to_jsonb(q) - 'quarantined_at')::text FROM quarantine AS q",
        "counts": "SELECT c::text FROM counts AS c WHERE orders <> 0",
    }
    return {name: sorted(row[0] for row in await connection.fetch(query)) for name, query in queries.items()}
