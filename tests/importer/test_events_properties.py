"""Whatever a row holds, it gives valid events with stable ids in the order of their times, or it is rejected whole."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from pipelines.edges.importer import parse_mapping
from pipelines.edges.importer.events import EventMaker
from pipelines.edges.importer.rows import Place, Record, Row, Unusable
from schemas.orders import parse, validate
from tests.importer.shop import LINE_COLUMNS, MAPPING, ORDER_COLUMNS

MAKER = EventMaker(parse_mapping(MAPPING))

# What reaches the importer: any text that was in the file's encoding, without white space around it.
ANY_CELL = st.text(st.characters(exclude_categories=["Cs"]), max_size=30).map(str.strip)
WORD = st.text(st.characters(codec="ascii", categories=["Ll", "Nd"]), min_size=1, max_size=12)
NOW = datetime(2026, 3, 1, tzinfo=UTC).replace(tzinfo=None)
TIMES = st.timedeltas(timedelta(days=-40_000), timedelta(days=20_000)).map(lambda gap: (NOW + gap).isoformat(" "))
MONEY = st.decimals(0, 10_000, places=2).map(lambda amount: f"{amount:f}")


@st.composite
def records(draw: st.DrawFn, *, valid: bool) -> Record:
    """An order with up to four lines; not `valid`: any cell may hold anything."""

    def cell(good: st.SearchStrategy[str]) -> str:
        return draw(good if valid else good | ANY_CELL)

    orders = {
        "id": cell(WORD), "customer": cell(WORD | st.just("")), "partner": cell(WORD | st.just("")),
        "state": cell(st.sampled_from(["", "off", "void", "open"])), "bought": cell(TIMES),
        "sent": cell(TIMES | st.just("")),
    }  # fmt: skip
    lines = [
        {
            "order": orders["id"], "sku": cell(WORD), "pieces": cell(st.integers(1, 1000).map(str)),
            "price": cell(MONEY), "shipping": cell(MONEY | st.just("")),
        }
        for _ in range(draw(st.integers(0, 4)))
    ]  # fmt: skip
    assert tuple(orders) == ORDER_COLUMNS
    assert all(tuple(line) == LINE_COLUMNS for line in lines)
    rows = [Row(Place("lines", number), line) for number, line in enumerate(lines, start=1)]
    return Record(Row(Place("orders", 1), orders), {"lines": rows})


def times_of(events: list[bytes]) -> list[datetime]:
    return [parse(body).event.time for body in events]


@given(records(valid=True))
def test_a_valid_row_gives_events_the_schemas_accept_in_the_order_of_their_times(record: Record) -> None:
    events = MAKER.events(record)
    fields: list[dict[str, Any]] = [orjson.loads(body) for body in events]
    for event in fields:
        validate(event)
    assert times_of(events) == sorted(times_of(events))
    assert "shop:{id}:bought".format_map(record.row.cells) in [event["id"] for event in fields]
    assert len({event["id"] for event in fields}) == len(fields)
    assert {event["subject"] for event in fields} == {record.row.cells["id"]}


@given(records(valid=True))
def test_the_same_row_gives_the_same_bytes(record: Record) -> None:
    again = Record(
        Row(Place("orders", 99), dict(record.row.cells)),
        {"lines": [Row(Place("lines", 99), dict(row.cells)) for row in record.joined["lines"]]},
    )
    assert EventMaker(parse_mapping(MAPPING)).events(again) == MAKER.events(record)


@given(records(valid=True), TIMES)
def test_ids_depend_on_order_and_event_alone(record: Record, other_time: str) -> None:
    moved = Record(Row(record.row.place, {**record.row.cells, "bought": other_time, "customer": "c9"}), record.joined)
    before, after = ({orjson.loads(body)["id"] for body in MAKER.events(one)} for one in (record, moved))
    assert before == after


@given(records(valid=False))
def test_any_row_gives_valid_events_or_is_rejected(record: Record) -> None:
    with contextlib.suppress(Unusable):
        times = times_of(MAKER.events(record))  # parses: an event that may not take effect raises here
        assert times
        assert times == sorted(times)
