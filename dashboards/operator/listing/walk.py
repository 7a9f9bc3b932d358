"""How a question for orders is answered: a walk down one index, from a cursor on, until there are enough.

What the index does not bear is looked at on the way, and a walk looks at `FURTHEST` orders at most; where it ends
before there are enough, the reader may go on from there. So no page costs more than that, the first or the ten
thousandth. Where no more than `FURTHEST` orders can be meant, of one customer say, all of them are taken and sorted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from dashboards.operator.listing.question import Question, Sort, SourceKind
from schemas.lifecycle import FINAL, STAGES, Stage

FURTHEST = 5_000

COLUMNS = (
    "order_no, order_id, stage, holder, partner, customer_id, price_amount, price_currency, opened_at, stage_since, "
    "revision, anomalies, last_offset, last_recorded_at, partition, opened_by"
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BadCursor(ValueError):
    """A cursor that no page has given."""


@dataclass(slots=True)
class Statement:
    """SQL that is put together, with its arguments."""

    arguments: list[Any] = field(default_factory=list)

    def argument(self, value: Any, kind: str) -> str:
        """Add an argument; return what stands for it."""
        self.arguments.append(value)
        return f"${len(self.arguments)}::{kind}"


@dataclass(frozen=True, slots=True)
class Key:
    """What a walk goes by: a column and, for those that are equal in it, the order's number.

    `kind` is the column's type; `read` and `write` turn its values into the text of a cursor and back.
    """

    column: str
    kind: str
    descending: bool
    write: Callable[[Any], str]
    read: Callable[[str], Any]

    def cursor(self, row: Any) -> str:
        """Return the cursor of a row."""
        return f"{self.write(row[self.column])}~{row['order_no']}"

    def including(self, cursor: str, *, backwards: bool) -> str:
        """Return the cursor from which a walk meets the order at `cursor`, too."""
        value, order_no = self.parse(cursor)
        nearer = order_no + (1 if self.descending != backwards else -1)
        return f"{nearer if self.column == 'order_no' else self.write(value)}~{nearer}"

    def parse(self, cursor: str) -> tuple[Any, int]:
        """Return what a cursor says. Raises BadCursor."""
        value, _, number = cursor.partition("~")
        try:
            order_no = int(number)
            if not 0 <= order_no < 2**63 - 1:
                raise BadCursor(cursor)
            return self.read(value), order_no
        except (ValueError, OverflowError, InvalidOperation) as error:
            raise BadCursor(cursor) from error


def _moment(text: str) -> datetime:
    return _EPOCH + timedelta(microseconds=int(text))


def _amount(text: str) -> Decimal:
    amount = Decimal(text)
    if not amount.is_finite() or abs(amount.adjusted()) > 64 or len(text) > 64:
        raise BadCursor(text)
    return amount


def _by_moment(column: str, *, descending: bool) -> Key:
    return Key(column, "timestamptz", descending, lambda at: str((at - _EPOCH) // timedelta(microseconds=1)), _moment)


_KEYS = {
    Sort.NEWEST: _by_moment("opened_at", descending=True),
    Sort.LATEST: _by_moment("stage_since", descending=True),
    Sort.LONGEST: _by_moment("stage_since", descending=False),
    Sort.PRICE: Key("price_amount", "numeric", True, lambda amount: format(amount, "f"), _amount),
    Sort.ITEM: Key("order_no", "bigint", True, str, int),
}


def key_of(question: Question) -> Key:
    """Return what a question's walk goes by."""
    return _KEYS[question.sequence]


def left_out(question: Question) -> list[Stage]:
    """Return the stages in which no order is met, as the table of their orders is not read."""
    tables = _tables(question)
    return [stage for stage in Stage if ("closed_orders" if stage in FINAL else "open_orders") not in tables]


@dataclass(frozen=True, slots=True)
class Walk:
    """A query for the orders met, and one for where the walk ended: no row where it met all there are."""

    orders: str
    arguments: list[Any]
    end: str
    end_arguments: list[Any]


def walk(question: Question, now: datetime, limit: int, start: str, *, backwards: bool, few: bool) -> Walk:
    """Return how to walk from the cursor `start` ("": from the beginning) to the next `limit` orders, or back to those
    before it. `few`: at most `FURTHEST` orders can be meant. Raises BadCursor."""
    key, statement = key_of(question), Statement()
    place = _Place(statement, key, start, descending=key.descending != backwards)
    if few and question.sequence is not Sort.ITEM:
        met = _all(statement, question, now, place)
    else:
        met = _in_sequence(statement, question, now, place)
    met = f"{met} {place.sequence} LIMIT {FURTHEST}"
    end_arguments = list(statement.arguments)
    where = " AND ".join(["true", *_filters(statement, question, now)])
    orders = f"SELECT * FROM ({_completed(question, met, few)}) AS orders WHERE {where} {place.sequence} LIMIT {limit}"
    end = f"SELECT * FROM ({met}) AS met {place.sequence} OFFSET {FURTHEST - 1}"
    return Walk(orders, statement.arguments, end, end_arguments)


class _Place:
    """Where a walk begins, and its sequence."""

    def __init__(self, statement: Statement, key: Key, start: str, *, descending: bool) -> None:
        way, self._compare = ("DESC", "<") if descending else ("ASC", ">")
        self.key = key
        self.sequence = f"ORDER BY {key.column} {way}, order_no {way}"
        self._start: tuple[str, str] | None = None
        if start:
            value, order_no = key.parse(start)
            self._start = statement.argument(value, key.kind), statement.argument(order_no, "bigint")

    def behind(self, column: str) -> str:
        """Return what says of an order that it lies behind the start; `column` is what the key's column is called."""
        if self._start is None:
            return "true"
        return f"({column}, order_no) {self._compare} ({', '.join(self._start)})"


def _in_sequence(statement: Statement, question: Question, now: datetime, place: _Place) -> str:
    """Return a SELECT of all orders in question from indexes that have them in sequence, for PostgreSQL to merge.

    It does so where conditions stand outside of a UNION of tables, or where each part of it is sorted by itself.
    """
    sequence = question.sequence
    if sequence is Sort.ITEM:
        item = statement.argument(question.item, "text")
        return f"SELECT order_no FROM order_items WHERE item_id = {item} AND {place.behind('order_no')}"
    if _by_stays(question):
        stages = [question.stage] if question.stage else [stage for stage in Stage if stage not in FINAL]
        parts = [_stays(statement, question, now, stage, place) for stage in stages]
        return f"SELECT * FROM ({' UNION ALL '.join(parts)}) AS met"
    conditions = [place.behind(place.key.column)]
    if sequence is Sort.LATEST:
        conditions.append(_equals(statement, "stage", question.stage))
    elif sequence is Sort.PRICE:
        conditions.append(_priced(statement, question))
    elif question.customer:
        conditions.append(_equals(statement, "customer_id", question.customer))
    elif question.partner:
        conditions.append(_equals(statement, "partner", question.partner))
    elif question.odd:
        conditions.append(_ODD)
    return _either(question, conditions)


def _by_stays(question: Question) -> bool:
    return question.sequence is Sort.LONGEST or (question.sequence is Sort.LATEST and question.stage not in FINAL)


def _stays(statement: Statement, question: Question, now: datetime, stage: Stage, place: _Place) -> str:
    conditions = [_equals(statement, "stage", stage), place.behind("since")]
    target = STAGES[stage].target
    if question.stuck and target is not None:
        conditions.append(f"since < {statement.argument(now - target, 'timestamptz')}")
    part = f"SELECT since AS stage_since, order_no FROM stays WHERE {' AND '.join(conditions)}"
    return f"({part} {place.sequence})"


def _all(statement: Statement, question: Question, now: datetime, place: _Place) -> str:
    """Return the SELECT of few orders, with everything that is asked of them."""
    conditions = [place.behind(place.key.column), *_filters(statement, question, now)]
    if question.sequence is Sort.PRICE:
        conditions.append(_priced(statement, question))
    return _either(question, conditions)


def _either(question: Question, conditions: list[str]) -> str:
    union = " UNION ALL ".join(f"SELECT {COLUMNS} FROM {table}" for table in _tables(question))
    return f"SELECT * FROM ({union}) AS met WHERE {' AND '.join(conditions)}"


def _tables(question: Question) -> list[str]:
    if question.sequence is Sort.LONGEST:
        return ["open_orders"]
    if question.stage is not None and question.sequence is Sort.LATEST:
        return ["closed_orders" if question.stage in FINAL else "open_orders"]
    return ["open_orders", "closed_orders"]


def _priced(statement: Statement, question: Question) -> str:
    return f"price_amount IS NOT NULL AND {_equals(statement, 'price_currency', question.currency)}"


_ODD = "anomalies > 0"


def _equals(statement: Statement, column: str, value: str | None) -> str:
    return f"{column} = {statement.argument(value, 'text')}"


def _completed(question: Question, met: str, few: bool) -> str:
    """Return the orders of a walk, which may have gone by an index of another table."""
    if question.sequence is Sort.ITEM:
        tables = [f"SELECT {COLUMNS} FROM {table} WHERE order_no = met.order_no" for table in _tables(question)]
        walked, orders = ["order_no"], f"CROSS JOIN LATERAL ({' UNION ALL '.join(tables)}) AS o"
    elif _by_stays(question) and not few:
        walked, orders = ["order_no", "stage_since"], "JOIN open_orders AS o ON o.order_no = met.order_no"
    else:
        return met
    # The walk's own columns where it has them, which say the same: so that the sequence is known to be kept.
    columns = ", ".join(f"{'met' if name in walked else 'o'}.{name}" for name in COLUMNS.split(", "))
    return f"SELECT {columns} FROM ({met}) AS met {orders}"


def _filters(statement: Statement, question: Question, now: datetime) -> list[str]:
    """Return what is looked at on the way. What the walk's index says already may be among it."""
    asked = {
        "stage": question.stage, "holder": question.holder, "partner": question.partner,
        "customer_id": question.customer,
    }  # fmt: skip
    found = [_equals(statement, column, value) for column, value in asked.items() if value]
    if question.odd:
        found.append(_ODD)
    if question.stuck:
        found.append(f"({' OR '.join(_late(statement, now))})")
    if question.source is SourceKind.PARTNERS:
        found.append("starts_with(opened_by, '/partners/')")
    elif question.source is not None:
        found.append(_equals(statement, "opened_by", f"/{question.source}"))
    return found


def _late(statement: Statement, now: datetime) -> list[str]:
    limits = [(stage, now - facts.target) for stage, facts in STAGES.items() if facts.target is not None]
    return [
        f"({_equals(statement, 'stage', stage)} AND stage_since < {statement.argument(limit, 'timestamptz')})"
        for stage, limit in limits
    ]
