"""From an event, in whatever form a service has it, to a message: checked, and with the trace it belongs to."""

from __future__ import annotations

from typing import Any

import orjson
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from pipelines.engine.transport import Message
from schemas.envelope import Envelope
from schemas.orders import parse

Event = Envelope | dict[str, Any] | bytes
"""A model of `schemas.orders`, a CloudEvent as read from JSON, or its JSON text."""

_inject = TraceContextTextMapPropagator().inject


def message_of(event: Event) -> Message:
    """Return the event as a message. JSON text is sent as it is; others get the current trace, if they have none.

    Raises:
        EventRejected, UnknownVersion: it is no event that would take effect.
    """
    body = event if isinstance(event, bytes) else orjson.dumps(_traced(_fields(event)))
    parsed = parse(body).event
    return Message(subject=parsed.subject, body=body, message_id=parsed.id, filter_value=parsed.type)


def _fields(event: Envelope | dict[str, Any]) -> dict[str, Any]:
    return event.model_dump(mode="json", exclude_unset=True) if isinstance(event, Envelope) else event


def _traced(fields: dict[str, Any]) -> dict[str, Any]:
    """Add CloudEvents' tracing attributes, which are those of W3C Trace Context."""
    if fields.get("traceparent") is not None:
        return fields
    carrier: dict[str, str] = {}
    _inject(carrier)
    return {**fields, **carrier} if carrier else fields
