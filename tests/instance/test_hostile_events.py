"""Events made to break a store: set aside or kept, and never in the way of the others."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from pipelines.engine.transport import Batch, Chunk
from schemas.envelope import Envelope
from tests.instance.amqp_messages import DATA, PROPERTIES, binary, list_, section, uuid
from tests.instance.direct import RECORDED, batch, commit_all, instance, orders_of, record
from tests.instance.releases import FirstRelease
from tests.instance.tables import check_consistent
from tests.support.events import event, life
from tests.support.runs import Run

A, B = orders_of(0, 2)

NASTY = {
    "NUL in every name": orjson.dumps(
        {**event(A, "submitted"), "id": "a\x00", "source": "/sh\x00p", "type": "o\x00", "subject": "A\x00"}
    ),
    "NUL in the part a message quotes": orjson.dumps(event(A, "submitted", specversion="\x00")),
    "long names": orjson.dumps(event("s" * 5000, "submitted", event_id="i" * 5000, source="/" + "x" * 5000)),
    "broken UTF-8": b'{"id":"\xff\xfe","source":"\xc0\x80"}',
    "half an emoji": b'{"id":"\xed\xa0\xbd"}',
    "bytes": bytes(range(256)),
    "every control character": orjson.dumps(event("".join(map(chr, range(32))), "submitted")),
    "not characters": orjson.dumps({**event("\ufffe\uffff\U0010ffff", "submitted"), "time": "\ufdd0"}),
    "right to left": orjson.dumps(event("\u202e1A", "submitted", time="\u202e")),
    "300 KiB": orjson.dumps(event(A, "note_added", data={"text": "t", "author": "a", "blob": "y" * 300 * 1024})),
    "too deep": orjson.dumps(event(A, "submitted", data={"x": "@"})).replace(b'"@"', b"[" * 500 + b"]" * 500),
    "nothing": b"",
}  # fmt: skip


@pytest.mark.parametrize("nasty", NASTY.values(), ids=NASTY)
async def test_a_nasty_event_is_set_aside_with_its_bytes(run: Run, nasty: bytes) -> None:
    await asyncio.wait_for(commit_all(run, [event(A, "initiated"), nasty, event(A, "submitted")]), 20)
    connection = await run.connect()
    row = await connection.fetchrow("SELECT * FROM quarantine")
    assert (row["stream_offset"], row["body"]) == (1, nasty)
    assert row["detail"]
    assert await connection.fetchval("SELECT revision FROM open_orders") == 2
    await check_consistent(connection)
    await connection.close()


async def test_a_record_that_is_no_message_is_set_aside_whole(run: Run) -> None:
    records = [b"", b"\x00", b"\x00Su", b"\xff" * 1000, record(event(A, "initiated"))]
    async with instance(run) as running:
        await running.commit(Batch(0, 0, [Chunk(0, 0, RECORDED, records)]))
    connection = await run.connect()
    rows = await connection.fetch("SELECT body, reason FROM quarantine ORDER BY stream_offset")
    assert [tuple(row) for row in rows] == [(one, "unparsable") for one in records[:4]]
    assert await connection.fetchval("SELECT stage FROM open_orders") == "initiated"
    await connection.close()


async def test_another_clients_message_takes_effect(run: Run) -> None:
    body = orjson.dumps(event(A, "initiated"))
    foreign = (
        section(PROPERTIES, list_(uuid(bytes(16))))
        + section(DATA, binary(body[:50]))
        + section(DATA, binary(body[50:]))
    )
    async with instance(run) as running:
        await running.commit(Batch(0, 0, [Chunk(0, 0, RECORDED, [foreign])]))
    connection = await run.connect()
    assert await connection.fetchval("SELECT body FROM timeline") == body
    await connection.close()


STRANGE: dict[str, dict[str, Any]] = {
    "NUL in free text": event(A, "note_added", data={"text": "a\x00b", "author": "ada"}),
    "NUL in an unknown attribute": event(A, "note_added", shop="\x00", tracestate="\x00", dataschema="\x00"),
    "a broken trace": event(A, "note_added", traceparent="\x00-\ufffe"),
    "any script": event(A, "note_added", event_id="№ 7 \u202e\u2028\ufffe", data={"text": "مرحبا", "author": "é"}),
    "a deep attribute": event(A, "note_added", x={"a": [[[[[[{}]]]]]]}),
    "huge numbers": event(A, "submitted", data={"x": 2**64 - 1, "y": -(2**63), "z": 1e308}),
    "250 KiB": event(A, "note_added", data={"text": "t", "author": "a", "blob": "y" * 250 * 1024}),
}  # fmt: skip


@pytest.mark.parametrize("strange", STRANGE.values(), ids=STRANGE)
async def test_a_strange_but_good_event_takes_effect_and_keeps_its_bytes(run: Run, strange: dict[str, Any]) -> None:
    await asyncio.wait_for(commit_all(run, [event(A, "initiated"), strange], [strange, event(A, "shipped")]), 20)
    connection = await run.connect()
    assert await connection.fetchval("SELECT body FROM timeline WHERE revision = 2") == orjson.dumps(strange)
    assert await connection.fetchval("SELECT event_id FROM timeline WHERE revision = 2") == strange["id"]
    assert tuple(await connection.fetchrow("SELECT applied, duplicates, quarantined FROM checkpoint")) == (3, 1, 0)
    await connection.close()


async def test_a_fold_that_raises_with_nasty_words_parks_its_order(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def raising(self: FirstRelease, state: Any, event: Envelope, *_: Any) -> Any:
        raise ValueError("\x00" + "x" * 100_000)

    monkeypatch.setattr(FirstRelease, "fold", raising)
    await asyncio.wait_for(commit_all(run, life(A, "initiated"), projection=FirstRelease()), 20)
    connection = await run.connect()
    assert len(await connection.fetchval("SELECT reason FROM parked")) <= 1000
    await connection.close()


async def test_a_fold_that_raises_with_half_a_character_parks_its_order(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def raising(self: FirstRelease, *_: Any) -> Any:
        raise ValueError("\ud800")

    monkeypatch.setattr(FirstRelease, "fold", raising)
    async with instance(run, FirstRelease()) as running:
        await asyncio.wait_for(running.commit(batch(life(A, "initiated"))), 5)
    connection = await run.connect()
    assert await connection.fetchval("SELECT count(*) FROM parked") == 1
    await connection.close()


class Unspeakable(Exception):
    """An error that cannot even say what it is."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


async def test_a_fold_that_raises_something_unspeakable_parks_its_order(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def raising(self: FirstRelease, *_: Any) -> Any:
        raise Unspeakable

    monkeypatch.setattr(FirstRelease, "fold", raising)
    async with instance(run, FirstRelease()) as running:
        await asyncio.wait_for(running.commit(batch(life(A, "initiated"))), 5)
