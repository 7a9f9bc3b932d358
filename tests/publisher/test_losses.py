"""What a lost connection leaves unconfirmed is published again; what cannot be confirmed in time is named exactly."""

from __future__ import annotations

import asyncio

import pytest

from pipelines.edges.publisher import EventsUnconfirmed, OrderPublisher
from pipelines.edges.publisher import publisher as module
from schemas.errors import StreamUnavailable
from tests.publisher.stream import notes, stored, stored_orders
from tests.support.proxy import Proxy, proxied
from tests.support.runs import Run
from tests.support.waiting import until

ORDERS, EVENTS = 20, 300


async def until_some_are_stored(run: Run, count: int) -> None:
    async def enough() -> bool:
        return sum(map(len, (await stored(run)).values())) >= count

    await until(enough, f"{count} events in the stream")


async def cut_again_and_again(run: Run, proxy: Proxy, events: int) -> None:
    """Cut every connection each time some more events are stored, so in the middle of others."""
    for stored_by_then in range(events // 10, events, events // 10):
        await until_some_are_stored(run, stored_by_then)
        proxy.cut()


async def test_all_are_in_the_stream_in_order_though_connections_are_cut(run: Run) -> None:
    events, settings = notes(ORDERS, EVENTS), run.settings
    async with proxied(settings.stream_url) as (url, proxy):
        proxy.bytes_per_second = 3_000_000
        async with OrderPublisher(settings.model_copy(update={"stream_url": url}), timeout=120) as publisher:
            proxy.cuts = [200_000] * 9  # in the middle of others, however slow the machine
            await publisher.publish_many(events)
        assert proxy.cuts == []
        assert proxy.connections > 2 * settings.partitions
    orders = await stored_orders(run)
    assert set(orders) == {f"A{number}" for number in range(ORDERS)}
    for ids in orders.values():
        assert ids == [f"{number:06d}" for number in range(EVENTS)]


async def test_calls_one_after_another_keep_their_order_though_connections_are_cut(run: Run) -> None:
    settings = run.settings
    async with proxied(settings.stream_url) as (url, proxy):
        proxy.bytes_per_second = 300_000
        async with OrderPublisher(settings.model_copy(update={"stream_url": url}), timeout=120) as publisher:
            calls = []
            for number in range(200):
                calls.append(asyncio.create_task(publisher.publish_many(notes(4, 1, first=number))))
                await asyncio.sleep(0)
            await cut_again_and_again(run, proxy, 800)
            await asyncio.gather(*calls)
    for ids in (await stored_orders(run)).values():
        assert ids == [f"{number:06d}" for number in range(200)]


async def test_exactly_what_is_unconfirmed_is_named(run: Run) -> None:
    events = notes(ORDERS, 100)
    async with proxied(run.settings.stream_url) as (url, proxy):
        settings = run.settings.model_copy(update={"stream_url": url})
        async with OrderPublisher(settings, timeout=3) as publisher:
            await publisher.publish_many(notes(ORDERS, 1))
            proxy.bytes_per_second = 300_000
            call = asyncio.create_task(publisher.publish_many(events))
            await until_some_are_stored(run, ORDERS + 100)
            proxy.freeze()
            with pytest.raises(EventsUnconfirmed, match=r"events are unconfirmed: .* of order A\d+, ") as caught:
                await call
            proxy.refusing = True
            proxy.cut()
            proxy.thaw()
    found = caught.value
    assert 0 < len(found.indexes) < len(events)
    assert found.events == tuple((events[place]["subject"], events[place]["id"]) for place in found.indexes)
    orders = await stored_orders(run)
    for place in set(range(len(events))) - set(found.indexes):
        assert events[place]["id"] in orders[events[place]["subject"]]


async def test_what_waits_is_bounded_and_goes_on_when_the_broker_does(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_EVENTS", 50)
    monkeypatch.setattr(module, "_SLICE_EVENTS", 10)
    async with proxied(run.settings.stream_url) as (url, proxy):
        settings = run.settings.model_copy(update={"stream_url": url})
        async with OrderPublisher(settings, timeout=60) as publisher:
            await publisher.publish_many(notes(4, 1))
            proxy.freeze()
            singles = [asyncio.create_task(publisher.publish(one)) for one in notes(10, 30, first=1)]
            large = asyncio.create_task(publisher.publish_many(notes(10, 100, first=31)))
            await asyncio.sleep(0)
            waiting = sum(len(part.places) for lane in publisher._lanes for part in lane._waiting)
            assert waiting == 50
            given_up = asyncio.create_task(publisher.publish_many(notes(1, 100, first=500)))
            await asyncio.sleep(0)
            given_up.cancel()
            await asyncio.wait({given_up})
            proxy.thaw()
            await asyncio.gather(large, *singles)
            assert publisher._room._fits(50, module.MOST_BYTES), "all room is given back"
    for order, ids in (await stored_orders(run)).items():
        assert ids[-100:] == [f"{number:06d}" for number in range(31, 131)], order


async def test_closing_gives_up_what_is_under_way(run: Run) -> None:
    async with proxied(run.settings.stream_url) as (url, proxy):
        async with OrderPublisher(run.settings.model_copy(update={"stream_url": url})) as publisher:
            await publisher.publish_many(notes(1, 1))
            proxy.freeze()
            call = asyncio.create_task(publisher.publish_many(notes(1, 5)))
            await asyncio.sleep(0)
            proxy.refusing = True
            proxy.cut()
        with pytest.raises(EventsUnconfirmed, match="closed") as caught:
            await call
        assert len(caught.value.events) == 5
        proxy.thaw()


async def test_a_broker_that_is_away_is_said_to_be(run: Run) -> None:
    async with proxied(run.settings.stream_url) as (url, proxy):
        async with OrderPublisher(run.settings.model_copy(update={"stream_url": url}), timeout=1) as publisher:
            proxy.refusing = True
            proxy.cut()
            with pytest.raises(EventsUnconfirmed, match=r"closed the connection|no broker at"):
                await publisher.publish_many(notes(1, 1))
        proxy.refusing = True
        with pytest.raises(StreamUnavailable):
            await OrderPublisher(run.settings.model_copy(update={"stream_url": url})).__aenter__()
