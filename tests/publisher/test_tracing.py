"""An event belongs to the trace in which it is published, unless it says another."""

from __future__ import annotations

import orjson
import pytest
from opentelemetry.sdk.trace import TracerProvider

from pipelines.edges.publisher.messages import message_of
from schemas.envelope import Envelope
from schemas.orders import NoteAdded
from tests.support.events import event

TRACER = TracerProvider().get_tracer("test")


def untraced() -> dict[str, object]:
    fields = event("A1", "note_added")
    del fields["traceparent"]
    return fields


@pytest.mark.parametrize("typed", [False, True])
def test_the_current_trace_is_added(typed: bool) -> None:
    given: dict[str, object] | Envelope = NoteAdded.model_validate(untraced()) if typed else untraced()
    with TRACER.start_as_current_span("placing an order") as span:
        sent = orjson.loads(message_of(given).body)
    context = span.get_span_context()
    assert sent["traceparent"].startswith(f"00-{context.trace_id:032x}-{context.span_id:016x}-")


def test_a_trace_that_is_there_is_kept() -> None:
    with TRACER.start_as_current_span("a retry"):
        fields = event("A1", "note_added")
        assert orjson.loads(message_of(fields).body)["traceparent"] == fields["traceparent"]
        text = orjson.dumps(untraced())
        assert message_of(text).body == text


def test_without_a_trace_none_is_invented() -> None:
    assert "traceparent" not in orjson.loads(message_of(untraced()).body)
