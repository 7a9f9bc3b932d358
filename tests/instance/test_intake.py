"""Every record of a batch ends as exactly one of good and bad, in stream order."""

from __future__ import annotations

from datetime import datetime, timedelta

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.engine.instance.intake import conflict, take_in
from pipelines.engine.transport import Batch, Chunk
from schemas.errors import Reason
from schemas.orders import parse
from schemas.streams import partition_of
from tests.instance.direct import PARTITIONS, RECORDED, batch, chunk, orders_of, record
from tests.support.events import event

HOME, AWAY = orders_of(0, 1)[0], orders_of(1, 1)[0]

GOOD = record(event(HOME, "submitted"))
UNKNOWN = record(event(HOME, "packaging", type="order.packaging.v2"))
BAD: dict[Reason, bytes] = {
    Reason.UNPARSABLE: record(b"\xff\x00 not json"),
    Reason.INVALID: record(event(HOME, "submitted", time="noon")),
    Reason.OVERSIZED: record(event(HOME, "submitted", data={"x": "y" * 300 * 1024})),
    Reason.FORBIDDEN_SOURCE: record(event(HOME, "submitted", source="/mes")),
    Reason.MISROUTED: record(event(AWAY, "submitted")),
}
NO_MESSAGE = b"\x00\x53\x75\xa0\xff"


async def test_a_good_event_keeps_where_and_when_the_log_has_it() -> None:
    fields = event(HOME, "submitted")
    [arrived], bad = await take_in(batch([fields], 41), parse, PARTITIONS)
    assert bad == []
    assert (arrived.offset, arrived.recorded_at, arrived.body) == (41, RECORDED, orjson.dumps(fields))
    assert (arrived.event.subject, arrived.unreadable) == (HOME, None)
    assert arrived[:3] == parse(orjson.dumps(fields))


async def test_an_unknown_version_is_good_but_unreadable() -> None:
    [arrived], bad = await take_in(Batch(0, 0, [Chunk(0, 0, RECORDED, [UNKNOWN])]), parse, PARTITIONS)
    assert bad == []
    assert "order.packaging.v2" in (arrived.unreadable or "")
    assert arrived.event.subject == HOME


@pytest.mark.parametrize("reason", BAD)
async def test_a_bad_event_has_a_row_with_its_reason_and_its_bytes(reason: Reason) -> None:
    good, [row] = await take_in(Batch(0, 7, [Chunk(0, 7, RECORDED, [BAD[reason]])]), parse, PARTITIONS)
    assert good == []
    assert (row.reason, row.partition, row.stream_offset, row.recorded_at) == (reason, 0, 7, RECORDED)
    assert row.detail
    assert row.body in BAD[reason]
    assert len(row.body) > 0.9 * len(BAD[reason]) - 60
    known = reason not in (Reason.UNPARSABLE, Reason.OVERSIZED)
    assert (row.event_type, row.source is not None) == ("order.submitted.v1" if known else None, known)


async def test_a_record_that_is_no_message_is_kept_whole() -> None:
    _, [row] = await take_in(Batch(0, 0, [Chunk(0, 0, RECORDED, [NO_MESSAGE])]), parse, PARTITIONS)
    assert (row.reason, row.body, row.event_id, row.subject) == (Reason.UNPARSABLE, NO_MESSAGE, None, None)


async def test_a_misrouted_event_says_where_it_belongs() -> None:
    _, [row] = await take_in(batch([event(AWAY, "submitted")]), parse, PARTITIONS)
    assert row.detail == f"order {AWAY} belongs in partition 1; publish it there"
    assert (row.subject, row.event_id, row.source) == (AWAY, f"{AWAY}-submitted", "/shop")


async def test_an_event_of_an_unknown_version_may_be_misrouted_too() -> None:
    good, [row] = await take_in(batch([event(AWAY, "packaging", type="order.packaging.v2")]), parse, PARTITIONS)
    assert (good, row.reason) == ([], Reason.MISROUTED)


async def test_where_an_order_belongs_depends_on_how_many_partitions_there_are() -> None:
    for partitions in (1, 3, 8, 1000):
        home = partition_of(HOME, partitions)
        good, _ = await take_in(batch([event(HOME, "submitted")], partition=home), parse, partitions)
        assert len(good) == 1


async def test_a_conflicting_event_keeps_its_names() -> None:
    [arrived], _ = await take_in(batch([event(HOME, "submitted")], 5), parse, PARTITIONS)
    row = conflict(arrived, 3)
    assert (row.reason, row.partition, row.stream_offset) == (Reason.CONFLICT, 3, 5)
    assert (row.subject, row.event_id, row.body) == (HOME, f"{HOME}-submitted", arrived.body)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.lists(st.sampled_from([GOOD, UNKNOWN, *BAD.values(), NO_MESSAGE]) | st.binary(max_size=40), max_size=6)
    ),
    st.integers(0, 1000),
    st.integers(0, 3),
)
async def test_every_record_is_one_or_the_other_in_stream_order(
    chunks: list[list[bytes]], first: int, gap: int
) -> None:
    offset = first + gap
    parts: list[Chunk] = []
    everything: dict[int, tuple[bytes, datetime]] = {}
    for number, records in enumerate(chunks):
        parts.append(Chunk(0, offset, RECORDED + timedelta(hours=number), records))
        everything |= {offset + at: (one, parts[-1].recorded_at) for at, one in enumerate(records)}
        offset += len(records)
    good, bad = await take_in(Batch(0, first, parts), parse, PARTITIONS)
    good_at, bad_at = [arrived.offset for arrived in good], [row.stream_offset for row in bad]
    assert good_at == sorted(good_at)
    assert bad_at == sorted(bad_at)
    assert sorted(good_at + bad_at) == sorted(everything)
    for arrived in good:
        one, recorded_at = everything[arrived.offset]
        assert one in (GOOD, UNKNOWN)
        assert arrived.recorded_at == recorded_at
    for row in bad:
        one, recorded_at = everything[row.stream_offset]
        assert one not in (GOOD, UNKNOWN)
        assert (row.recorded_at, row.body in one) == (recorded_at, True)


async def test_chunks_keep_their_own_times() -> None:
    later = RECORDED + timedelta(days=40)
    parts = [chunk([event(HOME, "initiated")], 0), chunk([event(HOME, "submitted"), b"x"], 1, recorded_at=later)]
    good, [bad] = await take_in(Batch(0, 0, parts), parse, PARTITIONS)
    assert [arrived.recorded_at for arrived in good] == [RECORDED, later]
    assert bad.recorded_at == later
