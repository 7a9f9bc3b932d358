"""The CloudEvents 1.0 envelope every event travels in (structured mode, JSON).

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md; tracing attributes as its distributed tracing
extension says. Stricter than the specification where an order needs it: `subject` and `time` are required, and
names hold no control characters. Unknown attributes are kept.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainValidator,
    StringConstraints,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from schemas.worded import AlsoMatches, Worded

MAX_EVENT_BYTES = 256 * 1024
"""An event's body above this size is quarantined as oversized."""

CONTENT_TYPE = "application/cloudevents+json"

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}").match
_NO_TRACE = "0" * 32
_RFC3339 = re.compile(
    r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[Tt]([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$"
).match

# The calendar's two ends mean minus and plus infinity to PostgreSQL's driver; some languages write the first one
# for "not set". They are moved by a microsecond.
_FIRST = datetime.min.replace(tzinfo=UTC) + timedelta(microseconds=1)
_LAST = datetime.max.replace(tzinfo=UTC) - timedelta(microseconds=1)


def _rfc3339_utc(value: object) -> datetime:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return _finite(value)
    if not isinstance(value, str) or not _RFC3339(value):
        raise ValueError("a time is an RFC 3339 string with a zone, such as 2026-03-01T12:00:00Z")
    text = value.upper()
    if text[17:19] == "60":
        text = text.replace(":60", ":59")
    try:
        return _finite(datetime.fromisoformat(text))
    except OverflowError as error:
        raise ValueError("the time is out of range") from error


def _finite(time: datetime) -> datetime:
    if time.tzinfo is not UTC:
        time = time.astimezone(UTC)
    return time if _FIRST.year < time.year < _LAST.year else min(max(time, _FIRST), _LAST)


COMMON, UNCOMMON = "common time", "any time"
"""Where a time is refused, pydantic places two errors at it: that it is not written as most are, and what is wrong."""

# A part of what `_RFC3339` takes: capitals, UTC, no leap second, and none of the calendar's two ends.
_COMMON_TIME = (
    r"^[1-8][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?(Z|\+00:00)$"
)


class _CommonFirst:
    """In `Annotated`, behind a way to read any time: reads those written as most are without running any Python."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        common = core_schema.chain_schema(
            [
                core_schema.str_schema(pattern=_COMMON_TIME),
                core_schema.no_info_plain_validator_function(datetime.fromisoformat),
            ]
        )
        return core_schema.union_schema([(common, COMMON), (handler(source), UNCOMMON)], mode="left_to_right")

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(core_schema.datetime_schema())


Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f]+$"),
    Worded("text of 1 to 256 characters, without control characters"),
]
"""Text that names something: printable, at most 256 characters."""


Subject = Annotated[
    str,
    StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x20\x7f/?#]+$"),
    Worded("text of 1 to 128 characters, without white space, control characters, /, ? and #"),
    AlsoMatches(r"[^.]|\.\.\.", "an order id is not . or .., which a browser takes for a place"),
]
"""An order id: no white space, and nothing that would need escaping in a page's address."""

EventType = Annotated[
    str,
    StringConstraints(min_length=1, max_length=128, pattern=r"^[\x21-\x7e]+$"),
    Worded("text of 1 to 128 printable ASCII characters, without white space"),
]
"""An event type: printable ASCII, as it is also the message's filter value."""

Time = Annotated[datetime, PlainValidator(_rfc3339_utc), _CommonFirst()]
"""A moment, always timezone-aware and in UTC. Leap seconds become the second before, the calendar's two ends the
microsecond next to them."""


@lru_cache(maxsize=16)  # asked for every event, and answered without running any Python
def _json_only(value: str | None) -> str | None:
    if value is not None and value.split(";")[0].strip().lower() not in {"application/json", "text/json"}:
        raise ValueError("only JSON data is understood")
    return value


class Envelope(BaseModel):
    """One CloudEvent about one order."""

    model_config = ConfigDict(extra="allow", frozen=True)

    specversion: Literal["1.0"]
    id: Name
    source: Name
    type: EventType
    subject: Subject
    time: Time
    datacontenttype: Annotated[str | None, AfterValidator(_json_only)] = None
    dataschema: str | None = None
    traceparent: Any = None
    tracestate: Any = None
    data: Any = Field(default_factory=dict)

    @property
    def trace_id(self) -> str | None:
        """The W3C trace id, 32 hexadecimal digits; None where tracing is absent or broken (never an error)."""
        traceparent = self.traceparent
        if not isinstance(traceparent, str) or not _TRACEPARENT(traceparent):
            return None
        trace_id = traceparent[3:35]
        return trace_id if trace_id != _NO_TRACE else None


class Identified(NamedTuple):
    """An event with its identity (16 bytes) and content digest (signed 64 bits), both of `schemas.identity`."""

    event: Envelope
    identity: bytes
    content: int
