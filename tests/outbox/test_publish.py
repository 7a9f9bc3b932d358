"""What `warren_outbox.publish` writes, and how it refuses what nobody could read."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from pipelines.audit import audit
from schemas.orders import parse
from tests.outbox.relaying import publish, relaying, until_confirmed
from tests.support.pipelines import caught_up, running_pipeline
from tests.support.runs import Run

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TYPE = "'order.initiated.v1'"
CALL = "SELECT warren_outbox.publish({})"

AN_ORDER = "an order id is text of 1 to 128 characters, without white space, control characters, /, ? and #"
A_TYPE = "an event type is 1 to 128 printable ASCII characters, without white space, such as order.submitted.v1"
AN_ID = "an event id is text of 1 to 256 characters, without control characters"
A_TIME = "when did it happen? Years from 1 to 9999 are understood"
A_NUMBER = "data has a number beyond 1.8e308, the largest there can be: send it as a string"
TOO_LARGE = "262144 are allowed: keep files elsewhere and send their address"

REFUSED = {
    f"NULL, {TYPE}": f"subject null: {AN_ORDER}",
    f"'', {TYPE}": f'subject "": {AN_ORDER}',
    f"'a b', {TYPE}": f'subject "a b": {AN_ORDER}',
    f"E'a\\nb', {TYPE}": f'subject "a\\nb": {AN_ORDER}',
    f"'a/b', {TYPE}": f'subject "a/b": {AN_ORDER}',
    f"'..', {TYPE}": f'subject "..": {AN_ORDER}',
    f"repeat('x', 129), {TYPE}": f'subject "{"x" * 129}": {AN_ORDER}',
    f"repeat('x', 9999), {TYPE}": f'subject "{"x" * 200}": {AN_ORDER}',
    "'A', NULL": f"type null: {A_TYPE}",
    "'A', ''": f'type "": {A_TYPE}',
    "'A', 'заказ'": f'type "заказ": {A_TYPE}',
    "'A', repeat('x', 129)": f'type "{"x" * 129}": {A_TYPE}',
    "'A', 'order.shipped.v1'": "/shop may not send order.shipped.v1",
    "'A', 'order.shipped.v12'": "/shop may not send order.shipped.v12",
    f"'A', {TYPE}, NULL": "data is NULL, and must be a JSON object",
    f"'A', {TYPE}, '[1]'": "data is array, and must be a JSON object",
    f"'A', {TYPE}, 'null'": "data is null, and must be a JSON object",
    f"'A', {TYPE}, id => ''": f'id "": {AN_ID}',
    f"'A', {TYPE}, id => E'a\\tb'": f'id "a\\tb": {AN_ID}',
    f"'A', {TYPE}, id => repeat('x', 257)": f'id "{"x" * 257}": {AN_ID}',
    f"""'A', {TYPE}, "time" => 'infinity'""": f"time is infinity: {A_TIME}",
    f"""'A', {TYPE}, "time" => '-infinity'""": f"time is -infinity: {A_TIME}",
    f"""'A', {TYPE}, "time" => '0044-03-15 12:00+00 BC'""": f"time is 0044-03-15 12:00:00+00 BC: {A_TIME}",
    f"""'A', {TYPE}, "time" => '0001-01-01 00:00+01'""": f"time is 0001-12-31 23:00:00+00 BC: {A_TIME}",
    f"""'A', {TYPE}, "time" => '10000-01-01 00:00+00'""": f"time is 10000-01-01 00:00:00+00: {A_TIME}",
    f"'A', {TYPE}, traceparent => ''": 'traceparent "": see https://www.w3.org/TR/trace-context/',
    f"'A', {TYPE}, traceparent => '{TRACE}0'": f'traceparent "{TRACE}0": see https://www.w3.org/TR/trace-context/',
    f"""'A', {TYPE}, '{{"a": [1, 1e400]}}'""": A_NUMBER,
    f"""'A', {TYPE}, '{{"a": {{"b": -1e309}}}}'""": A_NUMBER,
    f"""'A', {TYPE}, jsonb_build_object('a', repeat('9', 309)::numeric)""": A_NUMBER,
    f"""'A', {TYPE}, jsonb_build_object('a', (repeat('9', 310) || '.5')::numeric)""": A_NUMBER,
    f"""'A', {TYPE}, ('{{"a":' || repeat('[', 254) || repeat(']', 254) || '}}')::jsonb""": (
        "data is nested more than 254 deep"
    ),
    f"""'A', {TYPE}, (repeat('{{"a":', 255) || '1' || repeat('}}', 255))::jsonb""": "data is nested more than 254 deep",
    f"'A', {TYPE}, jsonb_build_object('a', repeat('x', 262144))": TOO_LARGE,
}


@pytest.mark.parametrize("arguments", REFUSED)
async def test_what_nobody_could_read_is_refused_in_one_line(service: asyncpg.Connection, arguments: str) -> None:
    await service.execute("SET TimeZone TO 'UTC'")
    with pytest.raises(asyncpg.InvalidParameterValueError) as error:
        await service.execute(CALL.format(arguments))
    said = REFUSED[arguments]
    assert re.fullmatch(rf"outbox: (an event of \d+ bytes; )?{re.escape(said)}", str(error.value))
    assert await service.fetchval("SELECT count(*) FROM warren_outbox.event") == 0


@pytest.mark.parametrize("text", ["\\u0000", "\\ud800", "\\ud800\\u0041", "\\udc00"])
async def test_what_is_no_text_is_refused_by_postgresql_itself(service: asyncpg.Connection, text: str) -> None:
    with pytest.raises(asyncpg.DataError):
        await service.execute(CALL.format(f"""'A', {TYPE}, '{{"a": "{text}"}}'"""))


async def test_a_partner_speaks_of_its_own_orders_only(service: asyncpg.Connection) -> None:
    async with service.transaction():
        await service.execute("UPDATE warren_outbox.outbox SET source = '/partners/acme', subjects = 'acme:'")
        await service.execute(CALL.format(f"'acme:1', {TYPE}"))
        with pytest.raises(asyncpg.InvalidParameterValueError) as error:
            await service.execute(CALL.format(f"'other:1', {TYPE}"))
        assert str(error.value) == 'outbox: subject "other:1": /partners/acme may speak only of orders named acme:...'


async def test_an_outbox_that_is_only_half_installed_says_so(service: asyncpg.Connection) -> None:
    async with service.transaction():
        await service.execute("DELETE FROM warren_outbox.outbox")
        with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError, match=r"^outbox: .*warren outbox install"):
            await service.execute(CALL.format(f"'A', {TYPE}"))


async def test_what_is_given_is_in_the_event(service: asyncpg.Connection) -> None:
    at = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
    given = await publish(service, "A-1", "submitted", id='x"y', time=at, traceparent=TRACE)
    row = await service.fetchrow("SELECT subject, id, type, body, xid, txid_current() AS now FROM warren_outbox.event")
    event = parse(row["body"].encode()).event
    assert given == row["id"] == event.id == 'x"y'
    assert (row["subject"], row["type"]) == (event.subject, event.type) == ("A-1", "order.submitted.v1")
    assert (event.source, event.time, event.traceparent, event.datacontenttype) == (
        "/shop", at, TRACE, "application/json",
    )  # fmt: skip
    assert event.data.model_dump()["customer_id"] == "c1"
    assert row["xid"] == row["now"] - 1


async def test_without_an_id_or_a_time_it_gets_its_own_and_the_clock_s(service: asyncpg.Connection) -> None:
    count = 1000
    async with service.transaction():
        began = await service.fetchval("SELECT clock_timestamp()")
        ids = await service.fetch(f"SELECT warren_outbox.publish('A', {TYPE}) AS id FROM generate_series(1, $1)", count)
        ended = await service.fetchval("SELECT clock_timestamp()")
    assert len({row["id"] for row in ids}) == count
    bodies = [row["body"] for row in await service.fetch("SELECT body FROM warren_outbox.event ORDER BY seq")]
    times = [parse(body.encode()).event.time for body in bodies]
    assert began <= times[0]
    assert times[-1] <= ended + timedelta(microseconds=1)
    assert len(bodies) == count


async def test_a_rollback_leaves_nothing(service: asyncpg.Connection) -> None:
    outer = service.transaction()
    await outer.start()
    await publish(service, "A", "initiated")
    inner = service.transaction()
    await inner.start()
    await publish(service, "A", "initiated", id="undone")
    await inner.rollback()
    await publish(service, "A", "initiated", id="kept")
    assert [row["id"] for row in await service.fetch("SELECT id FROM warren_outbox.event ORDER BY seq")][1:] == ["kept"]
    await outer.rollback()
    for table in ("event", "pending"):
        assert await service.fetchval(f"SELECT count(*) FROM warren_outbox.{table}") == 0


async def test_one_id_twice_is_two_rows_and_takes_effect_once(run: Run, dsn: str, database: asyncpg.Connection) -> None:
    async with running_pipeline(run), relaying(run, dsn):
        for _ in range(2):
            await publish(database, "A", "initiated", id="one")
        await until_confirmed(database)
        await caught_up(run)
        assert await database.fetchval("SELECT count(*) FROM event") == 2
        found = await audit(run.settings, "views@1")
        assert (found.applied, found.duplicates) == (1, 1)


async def test_what_is_just_allowed_takes_effect(run: Run, dsn: str, database: asyncpg.Connection) -> None:
    """No reader, from the relay to the board's tables, stumbles over what `publish` lets through."""
    extremes = [
        f"repeat('я', 128), {TYPE}, id => repeat('€', 256)",
        "'A', rpad('shop.', 128, '~')",
        f"""'A', {TYPE}, "time" => '0001-01-01 00:00+00'""",
        f"""'A', {TYPE}, "time" => '9999-12-31 23:59:59.999999+00'""",
        f"""'A', {TYPE}, '{{"a": 1.7976931348623157e308, "b": -1.7976931348623157e308, "c": 1e-400}}'""",
        f"""'A', {TYPE}, jsonb_build_object('a', (repeat('1', 309) || '.' || repeat('1', 1000))::numeric)""",
        f"""'A', {TYPE}, jsonb_build_object('a', repeat('9', 9999))""",
        f"""'A', {TYPE}, (repeat('{{"a":', 254) || '1' || repeat('}}', 254))::jsonb""",
        f"""'A', {TYPE}, ('{{"a":' || repeat('[', 253) || repeat(']', 253) || '}}')::jsonb""",
        f"'A', {TYPE}, jsonb_build_object('a', repeat('x', 262144 - 256)), id => 'x'",
    ]
    async with running_pipeline(run), relaying(run, dsn):
        for arguments in extremes:
            await database.execute(CALL.format(arguments))
        await until_confirmed(database)
        await caught_up(run)
        found = await audit(run.settings, "views@1")
        assert (found.applied, found.quarantined, found.parked) == (len(extremes), 0, 0)
    largest = await database.fetchval("SELECT max(octet_length(body)) FROM event")
    assert 262144 - 100 < largest <= 262144
