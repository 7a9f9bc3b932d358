"""The events of an order, each with what its stage needs, and `parse`: bytes to event or a reason why not.

An event's type is `order.<name>.v<version>`, its subject the order id. Unknown attributes and unknown data fields
are kept.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Annotated, Any, Literal, NamedTuple

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from schemas.envelope import COMMON, MAX_EVENT_BYTES, UNCOMMON, Envelope, EventType, Identified, Name
from schemas.errors import EventRejected, Reason, UnknownVersion
from schemas.identity import content_digest, identity
from schemas.lifecycle import NO_ORDER, PARTNER_ID, may_send, partner_of, source_kind
from schemas.money import Money
from schemas.worded import Worded

PartnerId = Annotated[
    str,
    StringConstraints(pattern=f"^{PARTNER_ID}$"),
    Worded("1 to 64 of a-z, 0-9, - and _, the first a letter or digit"),
]
Text = Annotated[str, StringConstraints(min_length=1, max_length=4000)]


class Data(BaseModel):
    """Base of an event's data."""

    model_config = ConfigDict(extra="allow", frozen=True)


class Item(Data):
    """One thing to make, `quantity` times."""

    item_id: Name
    quantity: Annotated[int, Field(ge=1, le=1_000_000, strict=True)] = 1
    material: Name | None = None


class InitiatedData(Data):
    customer_id: Name | None = None
    partner: PartnerId | None = None


class FileUploadedData(Data):
    file_name: Name
    size_bytes: Annotated[int, Field(ge=0, strict=True)] | None = None


class SubmittedData(Data):
    customer_id: Name | None = None
    partner: PartnerId | None = None
    items: list[Item] = Field(default_factory=list, max_length=10_000)


class PriceCalculatedData(Data):
    price: Money


class PriceFailedData(Data):
    reason: Text


class CancelledData(Data):
    reason: Text


class RevisedData(Data):
    """The model or the items changed. `items`, where given, replace those the order had."""

    reason: Text | None = None
    items: list[Item] | None = None


class NoteAddedData(Data):
    text: Text
    author: Name


class EventRef(Data):
    """Names another event. A message in quarantine is named by its place: source `/quarantine`, id `3:1204`."""

    source: Name
    id: Name


class Corrected(Data):
    """What should have been said. It takes effect as if `source` had sent it, at the correction's `time`."""

    source: Name
    type: EventType
    data: dict[str, Any] = Field(default_factory=dict)


class CorrectionData(Data):
    """An operator sets something right; `event` is what it corrects. Without `corrected` it only says so."""

    author: Name
    reason: Text
    event: EventRef | None = None
    corrected: Corrected | None = None


class DroppedData(Data):
    """An operator has looked at an event and nothing is to come of it."""

    author: Name
    reason: Text
    event: EventRef


class ReleasedData(Data):
    """An operator asks for the order's parked events to be tried again, in stream order."""

    author: Name
    reason: Text | None = None


class Initiated(Envelope):
    type: Literal["order.initiated.v1"]
    data: InitiatedData


class FileUploaded(Envelope):
    type: Literal["order.file_uploaded.v1"]
    data: FileUploadedData


class Submitted(Envelope):
    type: Literal["order.submitted.v1"]
    data: SubmittedData


class PriceCalculated(Envelope):
    type: Literal["order.price_calculated.v1"]
    data: PriceCalculatedData


class PriceFailed(Envelope):
    type: Literal["order.price_failed.v1"]
    data: PriceFailedData


class ManufacturingApproved(Envelope):
    type: Literal["order.manufacturing_approved.v1"]
    data: Data


class ManufacturingStarted(Envelope):
    type: Literal["order.manufacturing_started.v1"]
    data: Data


class ManufacturingCompleted(Envelope):
    type: Literal["order.manufacturing_completed.v1"]
    data: Data


class Packaging(Envelope):
    type: Literal["order.packaging.v1"]
    data: Data


class Shipped(Envelope):
    type: Literal["order.shipped.v1"]
    data: Data


class Closed(Envelope):
    type: Literal["order.closed.v1"]
    data: Data


class Cancelled(Envelope):
    type: Literal["order.cancelled.v1"]
    data: CancelledData


class Revised(Envelope):
    type: Literal["order.revised.v1"]
    data: RevisedData


class PriceRetryRequested(Envelope):
    type: Literal["order.price_retry_requested.v1"]
    data: Data


class NoteAdded(Envelope):
    type: Literal["order.note_added.v1"]
    data: NoteAddedData


class Correction(Envelope):
    type: Literal["order.correction.v1"]
    data: CorrectionData


class Dropped(Envelope):
    type: Literal["order.dropped.v1"]
    data: DroppedData


class Released(Envelope):
    type: Literal["order.released.v1"]
    data: ReleasedData


EVENTS: dict[str, type[Envelope]] = {
    model.model_fields["type"].annotation.__args__[0]: model  # type: ignore[union-attr]
    for model in (
        Initiated, FileUploaded, Submitted, PriceCalculated, PriceFailed, ManufacturingApproved,
        ManufacturingStarted, ManufacturingCompleted, Packaging, Shipped, Closed, Cancelled, Revised,
        PriceRetryRequested, NoteAdded, Correction, Dropped, Released,
    )
}  # fmt: skip
"""Event type to its model."""

NAMING = frozenset({"order.initiated.v1", "order.submitted.v1", "order.correction.v1"})
"""The types of the events that may name a customer."""

QUARANTINE = "/quarantine"
"""The source of references to messages in quarantine."""

_DROPPED = "order.dropped.v1"

_REMARKS = (NoteAdded, Correction, Dropped, Released)
"""What operators say of an order, rather than what happens to it."""

_PLACE = re.compile(r"([0-9]{1,4}):(0|[1-9][0-9]{0,17})", re.ASCII).fullmatch

_KNOWN_NAMES = frozenset(event_type.split(".")[1] for event_type in EVENTS)
_ENVELOPE_NAMES = ("source", "id", "type", "subject")
_VERSIONED = re.compile(r"^order\.([a-z_]+)\.v([1-9][0-9]*)$")


def parse(body: bytes) -> Identified:
    """Return the event in `body`: one of `EVENTS`, or a plain `Envelope` for a type nobody has told us of.

    Raises:
        EventRejected: unparsable, oversized, invalid, or sent by a source that may not send it.
        UnknownVersion: a known event in a version this release cannot read.
    """
    if len(body) > MAX_EVENT_BYTES:
        raise EventRejected(Reason.OVERSIZED, f"{len(body)} bytes, {MAX_EVENT_BYTES} are allowed")
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise EventRejected(Reason.UNPARSABLE, f"not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise EventRejected(Reason.UNPARSABLE, f"a JSON {type(fields).__name__}, not an object")
    return validate(fields)


def validate(fields: dict[str, Any]) -> Identified:
    """Return the event with these attributes, as read from JSON. Raises as `parse` does."""
    if "data_base64" in fields:
        raise EventRejected(Reason.INVALID, "data_base64: order events carry JSON data", _readable(fields))
    event_type = fields.get("type")
    model = EVENTS.get(event_type, Envelope) if isinstance(event_type, str) else Envelope
    try:
        # What `model_validate` calls: the way there costs a microsecond.
        event: Envelope = model.__pydantic_validator__.validate_python(fields)
        source, event_type, subject = event.source, event.type, event.subject
        content = content_digest(event_type, subject, fields.get("data", {}))
    except ValidationError as error:
        raise EventRejected(Reason.INVALID, _first_error(error), _readable(fields)) from error
    except orjson.JSONEncodeError as error:
        raise EventRejected(Reason.INVALID, f"data: {error}", _readable(fields)) from error
    identified = Identified(event, identity(source, event.id), content)
    if model is Correction:
        _require_effect(event, fields)
    forbidden, subjects, ours = _known(source, event_type)
    if subject.startswith(NO_ORDER) and event_type != _DROPPED:
        forbidden = forbidden or f"{subject} names no order: only what is dropped may be of none"
    if forbidden is not None:
        raise EventRejected(Reason.FORBIDDEN_SOURCE, forbidden, _readable(fields))
    if subjects and not subject.startswith(subjects):
        detail = f"{source} may speak only of orders named {subjects}…"
        raise EventRejected(Reason.FORBIDDEN_SOURCE, detail, _readable(fields))
    if ours and event_type not in EVENTS:
        raise UnknownVersion(identified)
    return identified


def _require_effect(event: Envelope, fields: dict[str, Any]) -> None:
    try:
        effective(event)
    except (EventRejected, UnknownVersion) as error:
        raise EventRejected(Reason.INVALID, f"data.corrected: {error}", _readable(fields)) from error


def effective(event: Envelope) -> Envelope:
    """Return the event whose effect this one has: what a correction says should have been said, else the event itself.

    Raises EventRejected or UnknownVersion for a correction that `parse` refuses.
    """
    if not isinstance(event, Correction) or event.data.corrected is None:
        return event
    said = event.data.corrected
    attributes = {"specversion": "1.0", "id": event.id, "subject": event.subject, "time": event.time}
    corrected = validate({**attributes, "source": said.source, "type": said.type, "data": said.data}).event
    if type(corrected) is Envelope or isinstance(corrected, _REMARKS):
        raise EventRejected(Reason.INVALID, f"{said.type} is nothing that happens to an order")
    return corrected


def customer_of(event: Envelope) -> str | None:
    """Return the customer that the event, or what it says should have been said, names; None where it names none."""
    event = effective(event)
    return event.data.customer_id if isinstance(event, Initiated | Submitted) else None


def settles(event: Envelope) -> tuple[int, int] | None:
    """Return the place (partition, offset) of the message in quarantine that this event settles, None where it does
    nothing like that."""
    if not isinstance(event, Dropped | Correction) or event.data.event is None:
        return None
    place = _PLACE(event.data.event.id) if event.data.event.source == QUARANTINE else None
    return None if place is None else (int(place[1]), int(place[2]))


def _first_error(error: ValidationError) -> str:
    """The first error's place and what is wrong there."""
    errors = error.errors(include_url=False, include_input=False)
    first = next(error for error in errors if error["loc"][-1:] != (COMMON,))
    place = ".".join(str(part) for part in first["loc"] if part != UNCOMMON)
    return f"{place}: {first['msg'].removeprefix('Value error, ')}"


class _Known(NamedTuple):
    """What is known of events of one source and type.

    `forbidden` says why the source may not send them, None if it may; `subjects` is what their orders' ids begin
    with; `ours` says that the type, whatever its version, is one of ours.
    """

    forbidden: str | None
    subjects: str = ""
    ours: bool = False


@lru_cache(maxsize=4096)
def _known(source: str, event_type: str) -> _Known:
    kind = source_kind(source)
    if kind is None:
        return _Known(f"unknown source {source!r}")
    partner = partner_of(source)
    subjects = "" if partner is None else f"{partner}:"
    match = _VERSIONED.match(event_type)
    if match is None or match.group(1) not in _KNOWN_NAMES:
        return _Known(None, subjects)
    if not may_send(kind, match.group(1)):
        return _Known(f"{source} may not send {event_type}", subjects)
    return _Known(None, subjects, ours=True)


def _readable(fields: dict[str, Any]) -> dict[str, str]:
    return {name: fields[name] for name in _ENVELOPE_NAMES if isinstance(fields.get(name), str)}
