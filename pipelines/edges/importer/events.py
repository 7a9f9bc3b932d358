"""An order's rows to its events. Pure: the same rows give the same events, byte for byte, at every import."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import orjson
from pydantic import ValidationError

from pipelines.edges.importer.columns import time_columns
from pipelines.edges.importer.mapping import (
    ColumnRef,
    Constant,
    Each,
    EarliestOf,
    Event,
    Integer,
    Mapping,
    MoneySum,
)
from pipelines.edges.importer.rows import Record, Unusable
from pipelines.edges.importer.scopes import Cell, OrderScope, RowScope, Scope
from pipelines.edges.importer.values import BadCell, amount, decimal, integer, moment, total
from schemas.errors import EventRejected
from schemas.lifecycle import STAGE_OF_EVENT, STAGES, Stage
from schemas.money import Money
from schemas.orders import EVENTS, Initiated, Submitted, parse

_STAGELESS, _CANCELLED = 50, 99

Read = TypeVar("Read")


class EventMaker:
    """Applies one mapping."""

    def __init__(self, mapping: Mapping) -> None:
        self._mapping = mapping
        self._zone = ZoneInfo(mapping.zone)

    def events(self, record: Record) -> list[bytes]:
        """Return the order's events as CloudEvents in JSON, valid, in the order in which they happened.

        Events of one time come in the order of the lifecycle, then those without a stage, cancellation last.

        Raises:
            Unusable: any of them would be invalid, or there is none. An order comes whole or not at all: a missing
                stage, imported later, would come out of step.
        """
        for row in (record.row, *(row for rows in record.joined.values() for row in rows)):
            if row.problem is not None:
                raise Unusable(row.place, row.problem)
        scope = OrderScope(self._mapping, record)
        order_id = scope.one(self._mapping.main.order_id)
        if order_id is None:
            raise Unusable(record.row.place, f"{self._mapping.main.order_id} is empty: the order has no id")
        found: list[tuple[datetime, int, bytes]] = []
        for name, event in self._mapping.events.items():
            time = self._time(record, scope, name, event)
            if time is not None:
                found.append((time, _turn(event.type), self._event(record, scope, order_id.text, name, time)))
        if not found:
            raise Unusable(record.row.place, "no event: the times of all events are empty")
        # Sorting is stable: what is equal here stays in the mapping's order.
        found.sort(key=lambda entry: entry[:2])
        return [body for _, _, body in found]

    def _time(self, record: Record, scope: Scope, name: str, event: Event) -> datetime | None:
        """When the event happened; None where it did not."""
        for condition in event.when:
            cell = scope.one(condition.column)
            if not condition.holds(cell.text if cell else ""):
                return None
        if isinstance(event.time, str):
            cell = scope.one(event.time)
            cells = [cell] if cell else []
        else:
            cells = scope.all(time_columns(event.time))
        times = [_read(cell, lambda text: moment(text, self._zone, self._mapping.time_format)) for cell in cells]
        if times:
            return min(times) if isinstance(event.time, EarliestOf) else max(times)
        if event.when:
            columns = ", ".join(time_columns(event.time))
            raise Unusable(record.row.place, f"events.{name} happened, but nobody says when: {columns} empty")
        return None

    def _event(self, record: Record, scope: Scope, order_id: str, name: str, time: datetime) -> bytes:
        event = self._mapping.events[name]
        body = orjson.dumps(
            {
                "specversion": "1.0",
                "id": f"{self._mapping.name}:{order_id}:{name}",
                "source": event.source,
                "type": event.type,
                "subject": order_id,
                "time": time.isoformat().replace("+00:00", "Z"),
                "datacontenttype": "application/json",
                "data": self._data(record, scope, event),
            }
        )
        try:
            parse(body)
        except EventRejected as error:
            raise Unusable(record.row.place, f"events.{name}: {error.detail}") from error
        return body

    def _data(self, record: Record, scope: Scope, event: Event) -> dict[str, Any]:
        data: dict[str, Any] = {}
        if EVENTS[event.type] in (Initiated, Submitted):
            main = self._mapping.main
            for field, column in (("customer_id", main.customer), ("partner", main.partner)):
                cell = scope.one(column) if column else None
                if cell:
                    data[field] = cell.text
        for field, value in event.data.items():
            if isinstance(value, Each):
                rows = record.joined.get(value.each, ())
                data[field] = [self._fields(scope, RowScope(row), value.item) for row in rows]
            else:
                data |= self._fields(scope, scope, {field: value})
        return data

    def _fields(
        self, order: Scope, scope: Scope, values: dict[str, str | Integer | Constant | MoneySum]
    ) -> dict[str, Any]:
        """The values that are there: an empty cell leaves its field out."""
        read = ((field, self._value(order, scope, value)) for field, value in values.items())
        return {field: value for field, value in read if value is not None}

    def _value(self, order: Scope, scope: Scope, value: str | Integer | Constant | MoneySum) -> Any:
        if isinstance(value, Constant):
            return value.constant
        if isinstance(value, MoneySum):
            return self._money(order, scope.all(value.money))
        cell = scope.one(value.integer if isinstance(value, Integer) else value)
        if cell is None:
            return None
        return _read(cell, integer) if isinstance(value, Integer) else cell.text

    def _money(self, order: Scope, cells: list[Cell]) -> dict[str, str] | None:
        if not cells:
            return None
        currency = self._mapping.currency
        if isinstance(currency, ColumnRef):
            cell = order.one(currency.column)
            currency = cell.text if cell else ""
        money = {"amount": amount(total(_read(cell, decimal) for cell in cells)), "currency": currency or ""}
        try:
            # Here, as an event's schema looks only at the money it knows of.
            Money.model_validate(money)
        except ValidationError as error:
            raise Unusable(cells[0].place, f"{cells[0].column}: {money} is no amount of money") from error
        return money


def _read(cell: Cell, read: Callable[[str], Read]) -> Read:
    try:
        return read(cell.text)
    except BadCell as error:
        raise Unusable(cell.place, f"{cell.column}: {error}") from error


def _turn(event_type: str) -> int:
    """An event's turn among those of the same time."""
    stage = STAGE_OF_EVENT.get(event_type)
    if stage is None:
        return _STAGELESS
    return _CANCELLED if stage is Stage.CANCELLED else STAGES[stage].rank
