"""The mapping file: which column of a shop's tables is which part of which order event. docs/importing.md explains it.

A column is written `name` for the main table and `joined.name` for a joined one. What stands for a single value takes
a joined table's first row; sums, `latest_of`, `earliest_of` and `each` take all its rows.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StrictInt,
    StrictStr,
    StringConstraints,
    Tag,
    model_validator,
)

from schemas.envelope import Name
from schemas.lifecycle import may_send, source_kind
from schemas.money import Currency
from schemas.orders import EVENTS
from schemas.worded import Worded

Label = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$"),
    Worded("1 to 64 of a-z, 0-9, - and _, the first a letter or digit"),
]
"""A word of the mapping's author that becomes part of event ids."""

Column = Annotated[StrictStr, StringConstraints(min_length=1)]


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is no zone of the IANA database, such as Europe/Berlin or UTC") from error
    return name


def _known_type(event_type: str) -> str:
    if event_type not in EVENTS:
        raise ValueError(f"{event_type!r} is no order event; known: {', '.join(EVENTS)}")
    return event_type


def _time_format(text: str) -> str:
    try:
        datetime.strptime(datetime(2026, 2, 1, tzinfo=UTC).strftime(text), text)  # noqa: DTZ007 - only tried
    except ValueError as error:
        raise ValueError(f"not a format of Python's strptime: {error}") from error
    return text


def _partnerless_source(source: str) -> str:
    kind = source_kind(source)
    if kind is None or kind == "partners":
        raise ValueError(f"{source!r} cannot be imported from; use /shop, /crm, /mes, /pricing or /operators")
    return source


def _one_of(*keys: str) -> Discriminator:
    """Tell the values of a file apart: a plain text is a column, a table is known by the one key it must have."""

    def kind(value: Any) -> str | None:
        if isinstance(value, str):
            return "<column>"
        found = [key for key in keys if (key in value if isinstance(value, dict) else hasattr(value, key))]
        return f"<{found[0]}>" if found else None

    return Discriminator(
        kind,
        custom_error_type="unknown_value",
        custom_error_message=f"expected a column's name or a table with {' or '.join(keys)}",
    )


class _Part(BaseModel):
    """Base of the mapping's parts: nothing unknown is let through, as it would be a typing error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ColumnRef(_Part):
    column: Column


class Integer(_Part):
    """A whole number read from a column."""

    integer: Column


class Constant(_Part):
    constant: StrictStr | StrictInt | bool


class MoneySum(_Part):
    """The exact sum of decimal texts, over all rows, in the mapping's currency."""

    money: list[Column] = Field(min_length=1)


Scalar = Annotated[
    Annotated[Column, Tag("<column>")]
    | Annotated[Integer, Tag("<integer>")]
    | Annotated[Constant, Tag("<constant>")]
    | Annotated[MoneySum, Tag("<money>")],
    _one_of("integer", "constant", "money"),
]


class Each(_Part):
    """A list with one object for every row of a joined table; columns are those of that row."""

    each: str
    item: dict[str, Scalar] = Field(min_length=1)


Value = Annotated[
    Annotated[Column, Tag("<column>")]
    | Annotated[Integer, Tag("<integer>")]
    | Annotated[Constant, Tag("<constant>")]
    | Annotated[MoneySum, Tag("<money>")]
    | Annotated[Each, Tag("<each>")],
    _one_of("integer", "constant", "money", "each"),
]


class LatestOf(_Part):
    latest_of: list[Column] = Field(min_length=1)


class EarliestOf(_Part):
    earliest_of: list[Column] = Field(min_length=1)


When = Annotated[
    Annotated[Column, Tag("<column>")]
    | Annotated[LatestOf, Tag("<latest_of>")]
    | Annotated[EarliestOf, Tag("<earliest_of>")],
    _one_of("latest_of", "earliest_of"),
]


class Condition(_Part):
    """What a column must hold."""

    column: Column
    equals: StrictStr | None = None
    one_of: list[StrictStr] | None = Field(None, min_length=1)
    not_empty: Literal[True] | None = None

    @model_validator(mode="after")
    def _one_test(self) -> Condition:
        if sum(test is not None for test in (self.equals, self.one_of, self.not_empty)) != 1:
            raise ValueError("give exactly one of equals, one_of and not_empty")
        return self

    def holds(self, text: str) -> bool:
        """Say whether `text` is what the column must hold."""
        if self.equals is not None:
            return text == self.equals
        return bool(text) if self.one_of is None else text in self.one_of


class Main(_Part):
    """The table with one row per order."""

    table: str
    order_id: Column
    customer: Column | None = None
    partner: Column | None = None


class Joined(_Part):
    """A table with rows that belong to orders: those whose `key` equals the main table's `to` (its order id if none).

    `keep` says which of an order's rows count, in the table's own order, among those that meet `where`.
    """

    table: str
    key: Column
    to: Column | None = None
    keep: Literal["all", "first", "last"] = "all"
    where: Condition | None = None


class Event(_Part):
    """An event every order gives whose conditions hold; without any, whose time is not empty."""

    type: Annotated[str, AfterValidator(_known_type)]
    source: Annotated[Name, AfterValidator(_partnerless_source)]
    time: When
    when: list[Condition] = Field(default_factory=list)
    data: dict[str, Value] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _allowed(self) -> Event:
        if not may_send(source_kind(self.source) or "", self.type.split(".")[1]):
            raise ValueError(f"{self.source} may not send {self.type}")
        return self


class CsvFormat(_Part):
    delimiter: str = Field(",", min_length=1, max_length=1)
    encoding: str = "utf-8"

    @model_validator(mode="after")
    def _known_encoding(self) -> CsvFormat:
        try:
            "".encode(self.encoding)
        except LookupError as error:
            raise ValueError(f"encoding: {error}") from error
        return self


class Mapping(_Part):
    """A whole mapping file. `name` is part of every event id: changed, the same orders import as new events."""

    name: Label
    zone: Annotated[str, AfterValidator(_zone)]
    time_format: Annotated[str, AfterValidator(_time_format)] | None = None
    currency: Currency | ColumnRef | None = None
    csv: CsvFormat = Field(default_factory=CsvFormat)
    main: Main
    joined: dict[Label, Joined] = Field(default_factory=dict)
    queries: dict[str, str] = Field(default_factory=dict)
    events: dict[Label, Event] = Field(min_length=1)

    def split(self, column: str) -> tuple[str | None, str]:
        """Return the joined table's label and the column's own name; None stands for the main table."""
        label, dot, name = column.partition(".")
        return (label, name) if dot and label in self.joined else (None, column)
