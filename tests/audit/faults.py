"""Every kind of fault, as SQL that puts it into the stores by hand, and what the audit must say of it.

B3 is an order on its way with four events, A1 a closed one with ten, acme:P1 a partner's, K2 and K3 have two parked
events each. `NO(order)` stands for its number, `AT(order, n)` for the offset of its nth accepted event, counted from 0.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from pipelines.audit import Kind

LEDGER_COLUMNS = "order_no, identity, content, partition, stream_offset, parked"
TIMELINE_COLUMNS = (
    "order_no, stream_offset, recorded_at, partition, identity, source, event_id, event_type, event_time, stage, "
    "holder, held_seconds, anomalies, trace_id, revision, body"
)


@dataclass(frozen=True)
class Fault:
    """`kinds` says how many findings of each kind there must be, and no others; `gaps` how many orders have one.

    Unless it is None, `order` must be named in each finding but those of counts and checkpoints.
    """

    name: str
    sql: str
    kinds: dict[Kind, int] = field(default_factory=dict)
    gaps: int = 0
    order: str | None = "B3"

    @property
    def statements(self) -> str:
        """The SQL with `NO` and `AT` written out."""
        sql = re.sub(r"NO\((\S+?)\)", r"(SELECT order_no FROM order_index WHERE order_id = '\1')", self.sql)
        return re.sub(
            r"AT\((\S+?), (\d+)\)",
            r"(SELECT stream_offset FROM ledger JOIN order_index USING (order_no) WHERE order_id = '\1'"
            r" ORDER BY stream_offset OFFSET \2 LIMIT 1)",
            sql,
        )


def ledger_row(
    order: str, offset: str, *, number: str | None = None, identity: str = "'\\x0102030405060708090a0b0c0d0e0f10'"
) -> str:
    """A ledger row like that of an order's first event, elsewhere."""
    return (
        f"INSERT INTO ledger ({LEDGER_COLUMNS})"
        f" SELECT {number or 'order_no'}, {identity}, content, partition, {offset}, false FROM ledger"
        f" WHERE order_no = NO({order}) AND stream_offset = AT({order}, 0)"
    )


def timeline_row(order: str, change: str, value: str, nth: int = 1) -> str:
    """A copy of a timeline row with one column changed."""
    return (
        f"INSERT INTO timeline ({TIMELINE_COLUMNS}) SELECT {TIMELINE_COLUMNS.replace(change, value)}"
        f" FROM timeline WHERE order_no = NO({order}) AND stream_offset = AT({order}, {nth})"
    )


def quarantine_row(offset: str, partition: str = "partition", *, order: str = "B3") -> str:
    """A quarantine row for an order's first event, or for what is elsewhere."""
    return (
        "INSERT INTO quarantine (partition, stream_offset, reason, detail, body, recorded_at)"
        f" SELECT {partition}, {offset}, 'invalid', 'by hand', body, recorded_at FROM timeline"
        f" WHERE order_no = NO({order}) AND stream_offset = AT({order}, 0)"
    )


def update(table: str, change: str, order: str, nth: int | None = None) -> str:
    """A change of an order's rows, or of that of its nth event."""
    place = "" if nth is None else f" AND stream_offset = AT({order}, {nth})"
    return f"UPDATE {table} SET {change} WHERE order_no = NO({order}){place}"


def delete(table: str, order: str, nth: int | None = None) -> str:
    """Removes an order's rows, or that of its nth event."""
    place = "" if nth is None else f" AND stream_offset = AT({order}, {nth})"
    return f"DELETE FROM {table} WHERE order_no = NO({order}){place}"
