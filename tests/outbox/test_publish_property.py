"""`publish` and the parser agree: what the one takes the other reads, and what the other would read the one takes."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import asyncpg
import orjson
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from schemas.envelope import Envelope
from schemas.errors import EventRejected, UnknownVersion
from schemas.orders import parse

NOW = "2026-03-01T12:00:00Z"
NO_TRACES = ["", "00-x-01", "00\n"]

# PostgreSQL's own text has neither NUL nor halves of surrogate pairs.
LETTERS = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
ODD = st.sampled_from(" \t\n\x7f\x80\xa0\u2028\ufeff\uffff\U0010ffff/?#.\"'\\$%")


def mostly(good: st.SearchStrategy[Any], odd: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """So often good that events get through with one thing odd."""
    return st.integers(0, 7).flatmap(lambda dice: good if dice < 7 else odd)


def texts(most: int) -> st.SearchStrategy[str]:
    """Texts around the lengths that matter."""
    long = st.builds(lambda letter, count: letter * count, LETTERS, st.sampled_from([most - 1, most, most + 1]))
    plain = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=20)
    return mostly(plain, st.one_of(st.text(st.one_of(LETTERS, ODD), max_size=10), long))


# Of the known ones those whose data is free: `publish` does not look at an event type's own fields.
TYPES = mostly(
    st.sampled_from(["order.initiated.v1", "order.initiated.v7", "order.initiated.v01", "shop.shipped.v1", "x"]),
    st.one_of(
        st.sampled_from(["order.shipped.v1", "order.released.v3", "order.shipped", "order.shipped.v1.x"]),
        st.sampled_from(["order.shipped.v01", "orderxshipped.v1", "order.shippedxv1", ".shipped.", "order.no_such.v1"]),
        texts(128),
    ),
)

# As PostgreSQL takes them, and in an event's own writing; "" for what that has none for.
TIMES = mostly(
    st.one_of(
        st.just((None, NOW)), st.datetimes().map(lambda time: (f"{time.isoformat()}+00", f"{time.isoformat()}Z"))
    ),
    st.sampled_from(
        [
            ("infinity", ""),
            ("-infinity", ""),
            ("0044-03-15 12:00+00 BC", ""),
            ("294276-12-31 12:00+00", ""),
            ("0001-01-01 00:00:00+14", "0001-01-01T00:00:00+14:00"),
            ("0001-01-01 00:00:00+00", "0001-01-01T00:00:00Z"),
            ("9999-12-31 23:59:59.999999+00", "9999-12-31T23:59:59.999999Z"),
            ("9999-12-31 23:59:59.999999-14", "9999-12-31T23:59:59.999999-14:00"),
            ("2026-03-01 12:00+05:30", "2026-03-01T12:00:00+05:30"),
        ]
    ),
)
TRACES = mostly(
    st.sampled_from([None, "00-" + "0af76519" * 4 + "-" + "b7ad6b71" * 2 + "-01"]), st.sampled_from(NO_TRACES)
)

NUMBERS = st.one_of(
    st.integers().map(str),
    st.integers(-(10**320), 10**320).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.builds("{}.{}e{}".format, st.integers(-99, 99), st.integers(0, 99), st.integers(-400, 400)),
)
# JSON as text, so that numbers come as they are written.
SCALARS = st.one_of(NUMBERS, st.sampled_from(["null", "true", "false"]), st.text(LETTERS, max_size=400).map(json.dumps))
KEYS = st.text(LETTERS, max_size=5).map(json.dumps)


def _objects(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    members = st.dictionaries(KEYS, values, max_size=5)
    return members.map(lambda some: "{" + ", ".join(f"{key}: {value}" for key, value in some.items()) + "}")


def _deep(depth: int, kind: str, core: str) -> str:
    first, last = ('{"a":', "}") if kind == "object" else ("[", "]")
    return '{"a":' + first * depth + core + last * depth + "}"


JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(_objects(inner), st.lists(inner, max_size=5).map(lambda some: f"[{','.join(some)}]")),
)
DATA = mostly(
    _objects(JSON),
    st.one_of(
        JSON,
        st.builds(
            _deep, st.integers(251, 256), st.sampled_from(["object", "array"]), st.sampled_from(["1", "{}", "[]"])
        ),
        st.integers(261_000, 263_000).map(lambda length: json.dumps({"a": "€" * (length // 3)}, ensure_ascii=False)),
    ),
)


def _read(body: str) -> Envelope | None:
    """What the pipeline makes of it; an event in a version it cannot read yet waits, and is no poison."""
    try:
        return parse(body.encode()).event
    except UnknownVersion as unknown:
        return unknown.identified.event
    except EventRejected:
        return None


def _asked(subject: str, event_type: str, data: str, event_id: str | None, time: str) -> str:
    fields = {
        "specversion": "1.0",
        "id": "1" if event_id is None else event_id,
        "source": "/shop",
        "type": event_type,
        "subject": subject,
        "time": time,
        "data": orjson.Fragment(data),
    }
    return orjson.dumps(fields).decode()


@settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(subject=texts(128), event_type=TYPES, data=DATA, event_id=st.none() | texts(256), time=TIMES, trace=TRACES)
@example("A", "order.initiated.v1", '{"a": 1e309}', None, (None, NOW), None)
@example("A", "order.initiated.v1", '{"a": 1e308}', None, (None, NOW), None)
@example("A", "order.initiated.v1", '{"a": -1' + "0" * 308 + "}", None, (None, NOW), None)
@example("A", "order.initiated.v1", _deep(253, "array", ""), None, (None, NOW), None)
@example("A", "order.initiated.v1", _deep(254, "array", ""), None, (None, NOW), None)
@example("A", "order.initiated.v1", _deep(253, "object", "1"), None, (None, NOW), None)
@example("A", "order.initiated.v1", _deep(254, "object", "1"), None, (None, NOW), None)
async def test_what_is_written_can_be_read_and_what_can_be_read_is_written(
    service: asyncpg.Connection,
    subject: str,
    event_type: str,
    data: str,
    event_id: str | None,
    time: tuple[str | None, str],
    trace: str | None,
) -> None:
    at, time_asked = time
    meant = _read(_asked(subject, event_type, data, event_id, time_asked))
    undone, refusal = service.transaction(), None
    await undone.start()
    try:
        written = await service.fetchval(
            "SELECT warren_outbox.publish($1, $2, $3::text::jsonb, $4, $5::text::timestamptz, $6)",
            subject, event_type, data, event_id, at, trace,
        )  # fmt: skip
        body = await service.fetchval("SELECT body FROM warren_outbox.event")
    except asyncpg.InvalidParameterValueError as error:
        refusal = str(error)
    finally:
        await undone.rollback()
    if refusal is not None:
        event("refused")
        assert re.fullmatch(r"outbox: [^\n]+", refusal)
        stricter = not data.startswith("{") or trace in NO_TRACES or "bytes; 262144 are" in refusal
        assert meant is None or stricter
        return
    event("written")
    found = _read(body)
    assert found is not None
    assert meant is not None
    assert (found.id, found.type, found.subject, found.traceparent) == (written, event_type, subject, trace)
    assert event_id in (None, written)
    assert at is None or found.time == meant.time
    assert _exact(body)["data"] == _exact(data)


def _exact(text: str) -> Any:
    return json.loads(text, parse_int=Decimal, parse_float=Decimal)
