"""Tell what a message is, by the audit's own plain checks: an event, or something for the quarantine and why.

The checks stand in the order in which the first that fails gives the reason: size, JSON, attributes and data,
source, home partition. Whether an event is a conflict depends on those before it: see `pipelines.audit.world`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from pipelines.audit.digests import content_of, customer_digest, identity_of
from pipelines.audit.shapes import DATA, Need, Shape, first_fault, matching, name
from schemas.envelope import MAX_EVENT_BYTES
from schemas.errors import Reason
from schemas.lifecycle import NO_ORDER, may_send, partner_of, source_kind

_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
).fullmatch
_VERSIONED = re.compile(r"order\.([a-z_]+)\.v([1-9][0-9]*)", re.ASCII).fullmatch
_TRACE = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}").match
_NO_TRACE = "0" * 32
CORRECTION, DROPPED = "order.correction.v1", "order.dropped.v1"
_NAMING = ("order.initiated.v1", "order.submitted.v1")
_PLACE = re.compile(r"[0-9]{1,4}:(0|[1-9][0-9]{0,17})", re.ASCII).fullmatch
_JSON_TYPES = ("application/json", "text/json")
_KEPT_CHARACTERS = 256
_BEGINNING, _END = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Event:
    """A message that may take effect. `readable` is False for a known event in a version nobody has told us of.

    `time` is in UTC; `trace_id` is None where tracing is absent or broken.
    """

    order_id: str
    source: str
    event_id: str
    event_type: str
    time: datetime
    trace_id: str | None
    identity: bytes
    content: int
    readable: bool
    data: Any

    @property
    def settles(self) -> str | None:
        """The place (`3:1204`) of the message in quarantine that an operator settles by this event."""
        about = self.data.get("event") if self.event_type in (CORRECTION, DROPPED) else None
        if about is None or about["source"] != "/quarantine" or _PLACE(about["id"]) is None:
            return None
        place: str = about["id"]
        return place

    @property
    def customer(self) -> bytes | None:
        """The digest of the customer that it names as its order's."""
        said = {"type": self.event_type, "data": self.data}
        if self.event_type == CORRECTION:
            said = self.data.get("corrected") or said
        if said["type"] not in _NAMING or said.get("data", {}).get("customer_id") is None:
            return None
        return customer_digest(said["data"]["customer_id"])


@dataclass(frozen=True, slots=True)
class Rejected:
    """A message that must stand in quarantine. Order and event id are those it claims, cut to 256 characters."""

    reason: Reason
    why: str
    order_id: str | None = None
    event_id: str | None = None


def read_message(body: bytes) -> Event | Rejected:
    """Return what the body is, its home partition left aside. Never raises."""
    if len(body) > MAX_EVENT_BYTES:
        return Rejected(Reason.OVERSIZED, f"{len(body)} bytes")
    try:
        fields = orjson.loads(body)
    except ValueError:
        return Rejected(Reason.UNPARSABLE, "not JSON")
    if not isinstance(fields, dict):
        return Rejected(Reason.UNPARSABLE, "not a JSON object")
    fault = _invalid(fields)
    if fault is not None:
        return _rejected(fields, Reason.INVALID, f"{fault} is missing or wrong")
    source, event_type, order_id = fields["source"], fields["type"], fields["subject"]
    try:
        content = content_of(event_type, order_id, fields.get("data", {}))
    except TypeError:
        return _rejected(fields, Reason.INVALID, "data is nested too deeply")
    versioned = _VERSIONED(event_type)
    known = versioned is not None and versioned.group(1) in DATA
    forbidden = _forbidden(source, order_id, versioned.group(1) if versioned and known else None)
    if forbidden is None and order_id.startswith(NO_ORDER) and event_type != DROPPED:
        forbidden = f"{order_id} names no order"
    if forbidden is not None:
        return _rejected(fields, Reason.FORBIDDEN_SOURCE, forbidden)
    readable = not known or (versioned is not None and versioned.group(2) == "1")
    time = _moment(fields["time"])
    assert time is not None, "it was looked at above"
    return Event(
        order_id,
        source,
        fields["id"],
        event_type,
        time,
        _trace_id(fields.get("traceparent")),
        identity_of(source, fields["id"]),
        content,
        readable,
        fields.get("data", {}),
    )


def _invalid(fields: dict[str, Any]) -> str | None:
    """The first thing that is wrong with the attributes or the data."""
    if "data_base64" in fields:
        return "data (data_base64 is not allowed)"
    fault = first_fault(_ENVELOPE, fields)
    if fault is not None:
        return fault
    event_type: str = fields["type"]
    shape = DATA.get(event_type[6:-3]) if event_type.startswith("order.") and event_type.endswith(".v1") else None
    if shape is None:
        return None
    data = fields.get("data")
    if not isinstance(data, dict):
        return "data"
    fault = first_fault(shape, data)
    if fault is not None:
        return f"data.{fault}"
    said = data.get("corrected") if event_type == CORRECTION else None
    partner = None if said is None else partner_of(said["source"])
    return None if partner is None or fields["subject"].startswith(f"{partner}:") else "data.corrected.source"


def _forbidden(source: str, order_id: str, event_name: str | None) -> str | None:
    """Why this source may not say this; `event_name` is None for an unknown type, which every known source may send."""
    kind = source_kind(source)
    if kind is None:
        return f"unknown source {source}"
    partner = partner_of(source)
    if partner is not None and order_id[: len(partner) + 1] != f"{partner}:":
        return f"{source} may not speak of order {order_id}"
    if event_name is not None and not may_send(kind, event_name):
        return f"{source} may not send {event_name}"
    return None


def _moment(value: Any) -> datetime | None:
    """Return an RFC 3339 time with a zone, of a day that exists, in UTC's years 1 to 9999; None for anything else.

    A leap second is the second before; digits below the microsecond are cut off.
    """
    match = _TIME(value) if isinstance(value, str) else None
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, sign, zone_hour, zone_minute = match.groups("00")
    # But for the fraction all are two ASCII digits, so text compares as numbers do.
    if hour > "23" or minute > "59" or second > "60" or zone_hour > "23" or zone_minute > "59":
        return None
    ahead = timedelta(hours=int(zone_hour), minutes=int(zone_minute))
    below = min(int(second), 59), int(fraction[:6].ljust(6, "0"))
    try:
        local = datetime(int(year), int(month), int(day), int(hour), int(minute), *below, tzinfo=UTC)
        moment = local + ahead if sign == "-" else local - ahead
    except (ValueError, OverflowError):
        return None
    # PostgreSQL's driver takes the calendar's two ends for infinity; the pipeline stores their neighbours.
    return min(max(moment, _BEGINNING + _MICROSECOND), _END - _MICROSECOND)


def _trace_id(traceparent: Any) -> str | None:
    match = _TRACE(traceparent) if isinstance(traceparent, str) else None
    return match.group(1) if match is not None and match.group(1) != _NO_TRACE else None


def _json_type(value: Any) -> bool:
    return isinstance(value, str) and value.split(";")[0].strip().lower() in _JSON_TYPES


def _rejected(fields: dict[str, Any], reason: Reason, why: str) -> Rejected:
    claimed = [value[:_KEPT_CHARACTERS] if isinstance(value := fields.get(key), str) else None for key in _CLAIMS]
    return Rejected(reason, why, *claimed)


_CLAIMS = ("subject", "id")

_ENVELOPE: Shape = {
    "specversion": Need(lambda value: value == "1.0"),
    "id": Need(name),
    "source": Need(name),
    "type": Need(matching(r"[\x21-\x7e]{1,128}")),
    "subject": Need(matching(r"(?!\.\.?$)[^\x00-\x20\x7f/?#]{1,128}")),
    "time": Need(lambda value: _moment(value) is not None),
    "datacontenttype": Need(_json_type, may_lack=True, may_be_null=True),
    "dataschema": Need(lambda value: isinstance(value, str), may_lack=True, may_be_null=True),
}
