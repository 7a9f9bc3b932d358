"""What a month consists of: the timeline, and the orders that ended in it, each with its own files."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from pipelines.edges.archive.month import Month
from pipelines.engine.stores.named_sql import named_sql

_MOMENT = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True, slots=True)
class Dataset:
    """One of the two. `table` is cut into months by column `key`; `sequence` is what its files are sorted by.

    `query` gives a partition's rows, sorted, as `schema` has them; `words` are columns whose values are few.
    """

    name: str
    table: str
    key: str
    sequence: tuple[str, ...]
    schema: pa.Schema
    query: str
    words: tuple[str, ...]

    def partition(self, month: Month) -> str:
        """Return the name of a month's table."""
        return self.table + month.suffix

    def folder(self, schema: str, month: Month) -> str:
        """Return where the month's files lie, relative to the archive's address."""
        return f"{schema}/{self.name}/{month}"


def _schema(*fields: tuple[str, pa.DataType, bool]) -> pa.Schema:
    return pa.schema([pa.field(name, kind, nullable) for name, kind, nullable in fields])


TIMELINE = Dataset(
    "timeline",
    "timeline",
    "recorded_at",
    ("order_no", "stream_offset", "recorded_at"),
    _schema(
        ("order_no", pa.int64(), False),
        ("stream_offset", pa.int64(), False),
        ("recorded_at", _MOMENT, False),
        ("event_time", _MOMENT, False),
        ("revision", pa.int32(), False),
        ("partition", pa.int16(), False),
        ("identity", pa.binary(), False),
        ("source", pa.string(), False),
        ("event_id", pa.string(), False),
        ("event_type", pa.string(), False),
        ("stage", pa.string(), False),
        ("holder", pa.string(), False),
        ("held_seconds", pa.float64(), True),
        ("anomalies", pa.list_(pa.string()), False),
        ("trace_id", pa.string(), True),
        ("body", pa.binary(), False),
    ),
    named_sql(__package__, "timeline_rows"),
    ("partition", "source", "event_type", "stage", "holder", "anomalies.list.element"),
)
"""Every event recorded in the month, also of orders that are still on their way. A month that is over never changes."""

ORDERS = Dataset(
    "orders",
    "closed_orders",
    "closed_at",
    ("order_no", "closed_at"),
    _schema(
        ("order_no", pa.int64(), False),
        ("order_id", pa.string(), False),
        ("partition", pa.int16(), False),
        ("stage", pa.string(), False),
        ("holder", pa.string(), False),
        ("partner", pa.string(), True),
        ("customer_id", pa.string(), True),
        ("price_amount", pa.string(), True),  # decimals of any scale, as text
        ("price_currency", pa.string(), True),
        ("opened_at", _MOMENT, False),
        ("stage_since", _MOMENT, False),
        ("stage_recorded_at", _MOMENT, False),
        ("revision", pa.int32(), False),
        ("anomalies", pa.int32(), False),
        ("last_offset", pa.int64(), False),
        ("last_recorded_at", _MOMENT, False),
        ("opened_by", pa.string(), False),
        ("closed_at", _MOMENT, False),
    ),
    named_sql(__package__, "orders_rows"),
    ("partition", "stage", "holder", "partner", "price_currency", "opened_by"),
)
"""The orders that ended in the month, as they stood when it left. A late event changes them in archived_orders."""

DATASETS = (TIMELINE, ORDERS)
