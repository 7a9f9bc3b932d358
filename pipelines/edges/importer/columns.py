"""Which columns a mapping uses, and where it names them: to check a table's header and to spill no column in vain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Lookup

from pipelines.edges.importer.mapping import (
    ColumnRef,
    Each,
    EarliestOf,
    Event,
    Integer,
    LatestOf,
    Mapping,
    MoneySum,
)
from schemas.errors import SettingsError

MAIN = None
"""The main table's place among the labels of joined ones."""

Used = dict[str | None, dict[str, str]]
"""By label of a joined table (`MAIN`: the main one), its columns in use, each with a place that names it."""


def used_columns(mapping: Mapping) -> Used:
    """Return the columns in use.

    Raises:
        SettingsError: the mapping is at odds with itself: `each` over what is no joined table, money without currency.
    """
    used: Used = {MAIN: {}, **{label: {} for label in mapping.joined}}
    for label, column, place in _named(mapping):
        used[label].setdefault(column, place)
    return used


def check_header(table: str, label: str | None, header: Sequence[str], used: Lookup[str, str]) -> None:
    """Raise SettingsError where a column in use is not in the table's header, naming the place in the mapping."""
    for column, place in used.items():
        if column not in header:
            hint = ""
            if label is MAIN and "." in column:
                hint = f" (and no [joined.{column.split('.')[0]}] in the mapping)"
            raise SettingsError(f"{place}: table {table} has no column {column!r}{hint}; it has {', '.join(header)}")


def _named(mapping: Mapping) -> Iterator[tuple[str | None, str, str]]:
    main = mapping.main
    yield MAIN, main.order_id, "main.order_id"
    for place, column in (("main.customer", main.customer), ("main.partner", main.partner)):
        if column is not None:
            yield *mapping.split(column), place
    for label, joined in mapping.joined.items():
        yield label, joined.key, f"joined.{label}.key"
        if joined.to is not None:
            yield MAIN, joined.to, f"joined.{label}.to"
        if joined.where is not None:
            yield label, joined.where.column, f"joined.{label}.where.column"
    if isinstance(mapping.currency, ColumnRef):
        yield *mapping.split(mapping.currency.column), "currency.column"
    for name, event in mapping.events.items():
        yield from _of_event(mapping, event, f"events.{name}")


def _of_event(mapping: Mapping, event: Event, place: str) -> Iterator[tuple[str | None, str, str]]:
    for column in time_columns(event.time):
        yield *mapping.split(column), f"{place}.time"
    for index, condition in enumerate(event.when):
        yield *mapping.split(condition.column), f"{place}.when.{index}.column"
    for field, value in event.data.items():
        here = f"{place}.data.{field}"
        if not isinstance(value, Each):
            for column in _columns(mapping, value, here):
                yield *mapping.split(column), here
            continue
        if value.each not in mapping.joined:
            raise SettingsError(f"{here}.each: {value.each!r} is no joined table; add [joined.{value.each}]")
        for part, scalar in value.item.items():
            for column in _columns(mapping, scalar, f"{here}.item.{part}"):
                yield value.each, column, f"{here}.item.{part}"


def time_columns(time: str | LatestOf | EarliestOf) -> list[str]:
    """Return the columns a time is taken from."""
    if isinstance(time, str):
        return [time]
    return time.latest_of if isinstance(time, LatestOf) else time.earliest_of


def _columns(mapping: Mapping, value: object, place: str) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Integer):
        return [value.integer]
    if isinstance(value, MoneySum):
        if mapping.currency is None:
            raise SettingsError(f'{place}: money needs the mapping\'s currency; add a line such as currency = "EUR"')
        return value.money
    return []
