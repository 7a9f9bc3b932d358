"""Whatever encoding a service's database has, the relay reads UTF-8, and nothing is let in that it could not read."""

from __future__ import annotations

import json

import asyncpg
import pytest

from cli.localservers import Addresses
from pipelines.edges.outbox import SCHEMA
from pipelines.edges.outbox.assignment import Assignment
from pipelines.engine.stores.postgres import BY_KEY, connect
from schemas.orders import parse
from tests.outbox.databases import outbox_in, server_of

BYTES = "convert_from($1::bytea, getdatabaseencoding())"
"""What a client sends that speaks the database's own encoding."""

CALL = "SELECT warren_outbox.publish({subject}, 'order.initiated.v1', {data}, {id})"


async def _read(dsn: str) -> list[dict[str, object]]:
    """The events as a relay reads them."""
    relay = await connect(dsn, SCHEMA, planning=BY_KEY)
    batch = await (await Assignment.load(relay, 4)).next()
    await relay.close()
    assert batch is not None
    for _, message in batch.messages:
        event = parse(message.body).event
        assert (event.subject, event.id) == (message.subject, message.message_id)
    return [json.loads(message.body) for _, message in batch.messages]


@pytest.mark.parametrize(
    ("encoding", "text"),
    [("LATIN1", "größer\x85"), ("WIN1251", "заказ№"), ("EUC_JP", "注文"), ("SQL_ASCII", "größer заказ 注文")],
)
async def test_text_arrives_as_it_was_meant(servers: Addresses, encoding: str, text: str) -> None:
    async with outbox_in(server_of(servers), encoding=encoding) as dsn:
        service = await asyncpg.connect(dsn)
        data = json.dumps({text: [text]}, ensure_ascii=False)
        await service.execute(CALL.format(subject="$1", data="$2", id="$3"), text.replace(" ", "_"), data, text)
        with pytest.raises(asyncpg.InvalidParameterValueError, match=r'^outbox: subject "b c"'):
            await service.execute(CALL.format(subject="'b c'", data="'{}'", id="NULL"))
        (event,) = await _read(dsn)
        assert (event["subject"], event["id"], event["data"]) == (text.replace(" ", "_"), text, {text: [text]})
        await service.close()


@pytest.mark.parametrize(
    ("encoding", "place"),
    [("SQL_ASCII", "subject"), ("SQL_ASCII", "id"), ("SQL_ASCII", "data"), ("WIN1252", "id"), ("WIN1252", "data")],
)
async def test_text_that_utf8_has_not_is_refused(servers: Addresses, encoding: str, place: str) -> None:
    async with outbox_in(server_of(servers), encoding=encoding) as dsn:
        service = await asyncpg.connect(dsn)
        bad = BYTES if place != "data" else f"jsonb_build_object('a', {BYTES})"
        arguments = {"subject": "'A'", "data": "'{}'", "id": "'1'", place: bad}
        with pytest.raises(asyncpg.InvalidParameterValueError) as error:
            await service.execute(CALL.format(**arguments), b"\x81")
        assert str(error.value).startswith("outbox: the event has text that cannot be written in UTF-8: ")
        assert "0x81" in str(error.value)
        assert await service.fetchval("SELECT count(*) FROM warren_outbox.event") == 0
        await service.close()


async def test_an_event_s_size_is_that_of_its_utf8(servers: Addresses) -> None:
    async with outbox_in(server_of(servers), encoding="LATIN1") as dsn:
        service = await asyncpg.connect(dsn)
        call = CALL.format(subject="'A'", data="jsonb_build_object('a', repeat($1, 140000))", id="NULL")
        with pytest.raises(asyncpg.InvalidParameterValueError, match=r"^outbox: an event of 280\d\d\d bytes"):
            await service.execute(call, "ö")
        await service.execute(call, "o")
        assert len(await _read(dsn)) == 1
        await service.close()


async def test_strings_may_have_escapes(module_dsn: str) -> None:
    """A session with old-fashioned strings compiles the function under that setting."""
    service = await asyncpg.connect(module_dsn, server_settings={"standard_conforming_strings": "off"})
    notices: list[str] = []
    service.add_log_listener(lambda _, notice: notices.append(str(notice)))
    await service.execute(CALL.format(subject="'A.1'", data="'{}'", id="'\u00e9'"))
    for refused in ("'a b'", "E'a\\u0007'", "'a/b'"):
        with pytest.raises(asyncpg.InvalidParameterValueError, match=r"^outbox: subject "):
            await service.execute(CALL.format(subject=refused, data="'{}'", id="NULL"))
    assert notices == []
    await service.close()
