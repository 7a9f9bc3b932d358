"""The publisher: confirmed means stored, in order, in the right partition; what is not confirmed is named."""

from __future__ import annotations

import asyncio

import pytest

from cli.localservers import Addresses
from pipelines.engine.transport import (
    Message,
    SuperStreamPublisher,
    body_of,
    create_super_stream,
    end_offset,
    partition_count,
    read_stream,
    topology,
)
from pipelines.engine.transport import window as window_module
from pipelines.engine.transport.address import Address
from pipelines.engine.transport.connection import Connection
from schemas.errors import (
    PartitionMismatch,
    PublishRefused,
    StreamError,
    StreamMissing,
    StreamUnavailable,
    Unconfirmed,
)
from schemas.streams import partition_name, partition_of
from tests.support.proxy import proxied
from tests.support.runs import Run, fresh_run
from tests.support.waiting import until

HOME = partition_of("one", 4)
CONFIRM = b"\x00\x03"


def _message(subject: str, number: int, size: int = 100) -> Message:
    return Message(subject, f"{number:08d}".encode() + b"." * size, f"id-{number}", "order.note_added.v1")


async def _stored(run: Run, partition: int) -> list[bytes]:
    stream = partition_name(run.settings.super_stream, partition)
    end = await end_offset(run.settings.stream_url, stream)
    return [
        body_of(record)[:8]
        async for chunk in read_stream(run.settings.stream_url, stream, 0, end)
        for record in chunk.records
    ]


async def test_confirmed_messages_are_stored_in_order_in_their_home_partitions(run: Run) -> None:
    """Trap: `SuperStreamProducer` sends every key to the first key's partition, by a hash no other client has."""
    messages = [_message(f"order-{number % 37}", number) for number in range(20_000)]
    async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher:
        await publisher.publish(messages)
    for partition in range(4):
        expected = [m.body[:8] for m in messages if partition_of(m.subject, 4) == partition]
        assert expected
        assert await _stored(run, partition) == expected


async def test_concurrent_calls_are_all_confirmed_and_each_keeps_its_order(run: Run) -> None:
    async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher:
        calls = [[_message("one", call * 1000 + n) for n in range(500)] for call in range(8)]
        await asyncio.gather(*(publisher.publish(messages) for messages in calls))
    stored = [int(body) for body in await _stored(run, partition_of("one", 4))]
    assert sorted(stored) == sorted(call * 1000 + n for call in range(8) for n in range(500))
    for call in range(8):
        mine = [number for number in stored if number // 1000 == call]
        assert mine == sorted(mine)


async def test_a_message_near_the_frame_limit_goes_through(run: Run) -> None:
    async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher:
        await publisher.publish([_message("big", n, size=300_000) for n in range(5)])
    assert len(await _stored(run, partition_of("big", 4))) == 5


async def test_the_window_bounds_what_is_in_flight(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """With no confirm coming back, exactly one window of messages is sent, and the rest waits at the caller."""
    monkeypatch.setattr(window_module, "WINDOW", 50)
    monkeypatch.setattr(window_module, "_FRAME_TARGET", 2000)
    holding = False
    held: list[bytes] = []

    def hold_confirms(frame: bytes) -> bytes:
        if not holding or frame[:2] != CONFIRM:
            return frame
        held.append(frame)
        return b""

    async with proxied(run.settings.stream_url) as (url, proxy):
        proxy.frames = hold_confirms
        async with SuperStreamPublisher(url, "orders") as publisher:
            await publisher.publish([_message("one", 0)])
            holding = True
            calls = [
                asyncio.create_task(publisher.publish([_message("one", call * 1000 + n) for n in range(1, 500)]))
                for call in range(3)
            ]

            async def window_stored() -> bool:
                return len(await _stored(run, HOME)) > 1 + 50 - 15

            await until(window_stored, "a window of messages to be stored")
            assert len(await _stored(run, HOME)) <= 1 + 50
            for call in calls:
                call.cancel()
            await asyncio.wait(calls)
        async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher:
            await publisher.publish([_message("two", n) for n in range(3000)])
    assert len(await _stored(run, partition_of("two", 4))) >= 3000


async def test_what_the_broker_refuses_is_reported_at_once(run: Run) -> None:
    """Trap: a PublishError never resolves rstream's `send_wait`."""
    async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher:
        await publisher.publish([_message("one", 0)])
        connection = publisher._fleet._publishers[HOME]._connection
        await connection.request(lambda client: client.delete_publisher(1))
        with pytest.raises(Unconfirmed, match=r"refused them: codes \{18\}") as failure:
            await asyncio.wait_for(publisher.publish([_message("one", n) for n in range(1, 8)]), 10)
    assert failure.value.indexes == tuple(range(7))
    assert len(await _stored(run, HOME)) == 1


@pytest.mark.parametrize("cut", [False, True])
async def test_only_what_is_really_open_is_reported_and_nothing_sent_again(run: Run, *, cut: bool) -> None:
    """Confirms of two of six messages never come; the time limit or the loss of the line names just these."""

    def without_some(frame: bytes) -> bytes:
        if frame[:2] != CONFIRM:
            return frame
        ids = [frame[start : start + 8] for start in range(9, len(frame), 8)]
        kept = [number for number in ids if int.from_bytes(number, "big") not in (3, 6)]
        confirmed.update(int.from_bytes(number, "big") for number in ids)
        return frame[:5] + len(kept).to_bytes(4, "big") + b"".join(kept)

    confirmed: set[int] = set()
    async with proxied(run.settings.stream_url) as (url, proxy):
        proxy.frames = without_some
        async with SuperStreamPublisher(url, "orders") as publisher:
            timeout = 600.0 if cut else 0.5  # a loss ends the wait, not the time
            call = asyncio.create_task(publisher.publish([_message("one", n) for n in range(6)], timeout=timeout))
            if cut:

                async def answered() -> bool:
                    return len(confirmed) == 6

                await until(answered, "the broker's confirms")
                await publisher.publish([_message("one", 6)])  # so the confirms before it have been read
                proxy.cut()
            with pytest.raises(Unconfirmed) as failure:
                await asyncio.wait_for(call, 30)
    assert failure.value.indexes == (2, 5)
    assert len(await _stored(run, HOME)) == (7 if cut else 6)


async def test_a_message_larger_than_a_frame_is_refused_before_anything_is_sent(run: Run) -> None:
    """The broker would close the connection, and the caller would try for ever."""
    async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher:
        with pytest.raises(PublishRefused, match="a body of 1100008 bytes"):
            await publisher.publish([_message("one", 1), _message("two", 2, size=1_100_000)])
        await publisher.publish([_message("one", 3, size=1_040_000)])
    assert await _stored(run, HOME) == [b"00000003"]


async def test_a_stream_that_is_not_there_is_named(run: Run) -> None:
    with pytest.raises(StreamMissing, match=r"^stream 'nowhere' does not exist; create it first$"):
        await SuperStreamPublisher(run.settings.stream_url, "nowhere").__aenter__()


async def test_a_plain_stream_is_one_partition_unless_a_number_of_them_is_asked_for(run: Run) -> None:
    """A partition by its own name is a plain stream."""
    async with SuperStreamPublisher(run.settings.stream_url, "orders-1") as publisher:
        await publisher.publish([_message(f"order {n}", n) for n in range(10)])
    assert [int(body) for body in await _stored(run, 1)] == list(range(10))
    with pytest.raises(StreamMissing, match=r"^super stream 'orders-1' does not exist"):
        await SuperStreamPublisher(run.settings.stream_url, "orders-1", 1).__aenter__()


async def test_another_number_of_partitions_than_expected_is_refused(run: Run) -> None:
    """Every event's home depends on the number, and a broker that is just starting may know only some of them."""
    with pytest.raises(StreamUnavailable, match="has 4 partitions, not 5"):
        await SuperStreamPublisher(run.settings.stream_url, "orders", 5).__aenter__()
    async with SuperStreamPublisher(run.settings.stream_url, "orders", 4) as publisher:
        await publisher.publish([_message("one", 1)])


async def test_nobody_there_is_said_in_one_line() -> None:
    with pytest.raises(StreamUnavailable, match="no broker at"):
        await SuperStreamPublisher("rabbitmq-stream://guest:guest@127.0.0.1:1/%2f", "orders").__aenter__()


async def test_a_cut_connection_leaves_the_unconfirmed_named_and_the_next_call_works(run: Run) -> None:
    async with proxied(run.settings.stream_url) as (url, proxy), SuperStreamPublisher(url, "orders") as publisher:
        await publisher.publish([_message("one", 0)])
        proxy.freeze()
        call = asyncio.create_task(publisher.publish([_message("one", n) for n in range(1, 11)]))
        flights = publisher._fleet._publishers[partition_of("one", 4)]._flights

        async def sent() -> bool:
            return len(flights) == 10

        await until(sent, "the messages to be on their way")
        proxy.cut()
        proxy.thaw()
        with pytest.raises(Unconfirmed) as failure:
            await call
        assert failure.value.indexes == tuple(range(10))
        await publisher.publish([_message("one", n) for n in range(1, 11)])
    stored = [int(body) for body in await _stored(run, partition_of("one", 4))]
    assert sorted(set(stored)) == list(range(11))


async def test_without_a_confirm_in_time_all_are_reported(run: Run) -> None:
    async with proxied(run.settings.stream_url) as (url, proxy), SuperStreamPublisher(url, "orders") as publisher:
        await publisher.publish([_message("one", 0)])
        proxy.freeze()
        with pytest.raises(Unconfirmed, match="no confirm in time") as failure:
            await publisher.publish([_message("one", 1), _message("one", 2)], timeout=0.5)
        assert failure.value.indexes == (0, 1)


async def test_making_a_super_stream_is_idempotent_and_never_changes_its_partitions(servers: Addresses) -> None:
    async with fresh_run(servers, prepared=False) as run:
        url = run.settings.stream_url
        assert await create_super_stream(url, "orders", 3) is True
        assert await create_super_stream(url, "orders", 3) is False
        with pytest.raises(PartitionMismatch, match="has 3 partitions, not 5"):
            await create_super_stream(url, "orders", 5)


async def test_several_may_make_a_super_stream_at_once_and_each_gets_what_it_asked_for_or_an_error(
    servers: Addresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RabbitMQ may answer some of them with an internal error, or not at all; none is told that all is well if not."""
    monkeypatch.setattr(topology, "SETTLE_SECONDS", 1.0)
    async with fresh_run(servers, prepared=False) as run:
        url = run.settings.stream_url
        asked = [2 + number % 2 for number in range(6)]
        calls = (create_super_stream(url, "orders", number) for number in asked)
        results = await asyncio.gather(*calls, return_exceptions=True)
        try:
            made = await partition_count(url, "orders")
        except StreamError:
            made = None
        for number, result in zip(asked, results, strict=True):
            assert isinstance(result, bool | StreamUnavailable), result
            assert not isinstance(result, bool) or number == made
            assert not isinstance(result, PartitionMismatch) or number != made


async def test_a_name_that_something_else_has_is_no_super_stream_that_is_there_already(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topology, "SETTLE_SECONDS", 0.2)
    url = run.settings.stream_url
    connection = await Connection.open(Address.parse(url), "test")
    await connection.request(lambda client: client.create_stream("taken-0"))
    await connection.close()
    with pytest.raises(StreamUnavailable, match="a stream of one of its partitions' names, such as 'taken-0'"):
        await create_super_stream(url, "taken", 2)


async def test_a_super_stream_with_partitions_of_other_names_is_refused_with_their_names(run: Run) -> None:
    """`rabbitmq-streams add_super_stream --routing-keys` names them so."""
    url = run.settings.stream_url
    connection = await Connection.open(Address.parse(url), "test")
    names, keys = ["regions-emea", "regions-apac"], ["emea", "apac"]
    await connection.request(lambda client: client.create_super_stream("regions", names, keys))
    await connection.close()
    with pytest.raises(
        StreamUnavailable, match=r"should be named 'regions-0' and so on; .* regions-apac, regions-emea"
    ):
        async with SuperStreamPublisher(url, "regions"):
            pass


@pytest.mark.parametrize("message", [Message("x", b"", "i" * 257, ""), Message("x", b"", "i", "f" * 70_000)])
async def test_texts_that_are_too_long_are_refused(run: Run, message: Message) -> None:
    async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher:
        with pytest.raises(PublishRefused, match="more than 256 characters"):
            await publisher.publish([message])


async def test_a_message_that_cannot_be_encoded_is_the_callers_error_as_it_is(run: Run) -> None:
    """Not wrapped in a group, and what was on its way for other partitions is given up."""
    async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher:
        with pytest.raises(UnicodeEncodeError):
            await publisher.publish([_message("one", 1), Message("two", b"body", "\ud800", "t")])
        await publisher.publish([_message("one", 2)])


async def test_publishing_nothing_is_done_at_once(run: Run) -> None:
    async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher:
        await publisher.publish([], timeout=1)
        await publisher.publish_to(0, [], timeout=1)
