"""Prometheus and OpenTelemetry, in memory and on a real stream."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry

from pipelines.engine.broker import StreamBroker
from pipelines.engine.broker import annotations as given
from pipelines.engine.broker.opentelemetry import StreamTelemetryMiddleware
from pipelines.engine.broker.prometheus import StreamPrometheusMiddleware
from tests.broker.conftest import World, has
from tests.support.waiting import until

TRACE = "0af7651916cd43dd8448eb211c80319c"
EVENT = {"specversion": "1.0", "id": "1", "traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}


@pytest.mark.parametrize("batch", [False, True])
async def test_prometheus_counts_records_and_bytes(world: World, batch: bool) -> None:
    registry = CollectorRegistry()
    broker = StreamBroker(world.url, middlewares=[StreamPrometheusMiddleware(registry=registry, app_name="app")])
    stream, seen = await world.stream(), list[Any]()

    @broker.subscriber(stream, batch=batch)
    async def handle(body: Any) -> None:
        seen.extend(body if batch else [body])

    labels = {"app_name": "app", "broker": "rabbitmq_stream"}

    def value(name: str, **more: str) -> float | None:
        return registry.get_sample_value(f"faststream_{name}", {**labels, **more})

    async with world(broker):
        await broker.publish_batch(*range(10), stream=stream, key="k")
        await until(has(seen, 10), "10 records")

        async def counted() -> bool:
            return value("received_processed_messages_total", handler=stream, status="acked") == 10

        await until(counted, "the counters")
    assert value("received_messages_total", handler=stream) == 10
    assert (value("received_messages_size_bytes_sum", handler=stream) or 0) >= 10
    assert value("published_messages_total", destination=stream, status="success") == 10


async def test_a_trace_goes_on_from_event_to_handler_to_event(world: World) -> None:
    spans, middleware = _tracing()
    broker = StreamBroker(world.url, middlewares=[middleware])
    source, target, seen = await world.stream(), await world.stream(), list[Any]()

    @broker.publisher(target)
    @broker.subscriber(source)
    async def handle(event: dict[str, Any]) -> dict[str, Any]:
        return {"specversion": "1.0", "id": "2", "source": "/here", "type": "t"}

    @broker.subscriber(target)
    async def result(event: dict[str, Any], message: given.StreamRecord) -> None:
        seen.append((event, message.headers))

    async with world(broker):
        await broker.publish(EVENT, source)
        await until(has(seen, 1), "the result")
        await until(_ended(spans, f"{target} process"), "its span")
    event, headers = seen[0]
    assert event["traceparent"] == headers["traceparent"]
    assert TRACE in event["traceparent"]
    assert {format(s.context.trace_id, "032x") for s in _named(spans, f"{source} process")} == {TRACE}
    assert {format(s.context.trace_id, "032x") for s in _named(spans, f"{target} process")} == {TRACE}


async def test_a_batch_is_linked_to_the_traces_of_its_events(world: World) -> None:
    spans, middleware = _tracing()
    broker = StreamBroker(world.url, middlewares=[middleware])
    stream, seen = await world.stream(), list[Any]()

    @broker.subscriber(stream, batch=True)
    async def handle(events: list[Any]) -> None:
        seen.extend(events)

    async with world(broker):
        await broker.publish_batch(EVENT, b"no event", stream=stream, key="k")
        await until(has(seen, 2), "both records")
        await until(_ended(spans, f"{stream} create"), "the spans")
    links = [link for span in spans.get_finished_spans() for link in span.links]
    assert {format(link.context.trace_id, "032x") for link in links} == {TRACE}


def _tracing() -> tuple[InMemorySpanExporter, StreamTelemetryMiddleware]:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return exporter, StreamTelemetryMiddleware(tracer_provider=provider, meter_provider=MeterProvider())


def _named(spans: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    return [span for span in spans.get_finished_spans() if span.name == name]


def _ended(spans: InMemorySpanExporter, name: str) -> Any:
    async def condition() -> bool:
        return bool(_named(spans, name))

    return condition
