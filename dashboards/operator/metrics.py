"""What the board counts about itself, and shows about the pipeline, at /metrics."""

from __future__ import annotations

import collections
from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from dashboards.operator.pipeline.lag import Lag
from dashboards.operator.rows import Standing
from dashboards.operator.stuck.counting import Stuck


class Metrics:
    """One registry per app, so that several can live in one process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._pipeline = _Pipeline()
        self._registry.register(self._pipeline)
        self.requests = Histogram(
            "warren_board_request_seconds",
            "Time to answer a request; event streams are left out.",
            ["route", "status"],
            registry=self._registry,
        )
        self.clients = Gauge("warren_board_sse_clients", "Open event streams.", registry=self._registry)
        self.frames = Counter("warren_board_sse_frames", "Frames sent to event streams.", registry=self._registry)
        self.cache_reads = Counter(
            "warren_board_cache_reads",
            "Questions to the hot cache: hit (answered), miss (not whole), behind (older than the database), away. "
            "All but a hit fall back to the database.",
            ["result"],
            registry=self._registry,
        )
        self._cache_reads: collections.Counter[str] = collections.Counter()
        self.database_reads = Counter(
            "warren_board_database_reads", "Snapshots read from the database.", ["what"], registry=self._registry
        )

    def cache_read(self, result: str) -> None:
        """Count a question to the hot cache: hit, miss, behind or away."""
        self.cache_reads.labels(result).inc()
        self._cache_reads[result] += 1

    def cache_hits(self) -> int | None:
        """The share of questions that the hot cache has answered since the process began, in percent; None: of none."""
        asked = self._cache_reads.total()
        return round(100 * self._cache_reads["hit"] / asked) if asked else None

    def text(self, standing: Standing | None, stuck: Sequence[Stuck] = (), lag: Lag | None = None) -> bytes:
        """Return all in Prometheus' text format. `standing` None: the database is away, its figures are left out; `lag`
        None: the broker is."""
        self._pipeline.standing, self._pipeline.stuck, self._pipeline.lag = standing, stuck, lag
        return generate_latest(self._registry)


class _Pipeline(Collector):
    """The pipeline's totals, as its checkpoints and tables have them."""

    standing: Standing | None = None
    stuck: Sequence[Stuck] = ()
    lag: Lag | None = None

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("warren_board_database_up", "1 where the database answered this scrape.")
        up.add_metric([], 0 if self.standing is None else 1)
        yield up
        if self.standing is not None:
            yield from _families(self.standing)
            late = GaugeMetricFamily(
                "warren_orders_stuck",
                "Orders past their stage's target, by who holds them.",
                labels=["stage", "holder"],
            )
            for found in self.stuck:
                late.add_metric([*found.place], found.orders)
            yield late
        if self.standing is not None and self.lag is not None:
            yield from _lags(str(self.standing.instance), self.lag)


def _lags(instance: str, lag: Lag) -> Iterator[Metric]:
    labels = ["instance", "partition"]
    events = GaugeMetricFamily("warren_pipeline_lag_events", "Events that have not taken effect yet.", labels=labels)
    seconds = GaugeMetricFamily("warren_pipeline_lag_seconds", "How long the first of them has waited.", labels=labels)
    for one in lag.partitions:
        partition = [instance, str(one.position.partition)]
        events.add_metric(partition, one.waiting.events)
        oldest = one.waiting.oldest
        seconds.add_metric(partition, 0 if oldest is None else max(0, (lag.read_at - oldest).total_seconds()))
    yield from (events, seconds)


def _families(standing: Standing) -> Iterator[Metric]:
    instance = str(standing.instance)
    events = CounterMetricFamily(
        "warren_pipeline_events",
        "What became of the events of a partition.",
        labels=["instance", "partition", "result"],
    )
    offset = GaugeMetricFamily(
        "warren_pipeline_next_offset", "The first offset not yet taken effect.", labels=["instance", "partition"]
    )
    committed = GaugeMetricFamily(
        "warren_pipeline_committed_timestamp_seconds", "The last commit (Unix time).", labels=["instance", "partition"]
    )
    for position in standing.positions:
        labels = [instance, str(position.partition)]
        for result in ("applied", "duplicates", "quarantined"):
            events.add_metric([*labels, result], getattr(position, result))
        offset.add_metric(labels, position.next_offset)
        if position.committed_at is not None:
            committed.add_metric(labels, position.committed_at.timestamp())
    waiting = GaugeMetricFamily("warren_pipeline_set_aside", "What waits for a human.", labels=["instance", "what"])
    waiting.add_metric([instance, "quarantined_events"], standing.quarantined)
    waiting.add_metric([instance, "parked_events"], standing.parked_events)
    waiting.add_metric([instance, "parked_orders"], standing.parked_orders)
    yield from (events, offset, committed, waiting)
    months = GaugeMetricFamily(
        "warren_months_ahead", "Months after this one for which there are partitions.", labels=["instance"]
    )
    months.add_metric([instance], standing.months_ahead)
    yield months
    if standing.replica is not None:
        seconds = GaugeMetricFamily("warren_replica_lag_seconds", "How far the read replica is behind its primary.")
        seconds.add_metric([], standing.replica.behind.total_seconds())
        size = GaugeMetricFamily("warren_replica_lag_bytes", "What it has received of the log and not replayed.")
        size.add_metric([], standing.replica.bytes)
        yield from (seconds, size)
