"""What a pipeline instance counts, for Prometheus. Counters are this process's; totals for good are in the stores."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

EVENTS = Counter(
    "warren_events_total", "Events a processor has committed, by what became of them.", ["instance", "outcome"]
)
BATCHES = Histogram(
    "warren_batch_seconds",
    "From a batch's first record in memory to its commit.",
    ["instance"],
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
)
RETRIES = Counter(
    "warren_batch_retries_total", "Batches done anew, by the error that undid them.", ["instance", "error"]
)
POSITION = Gauge("warren_next_offset", "The offset a partition goes on from.", ["instance", "partition"])
OWNED = Gauge("warren_partition_owned", "1 while this process owns the partition.", ["instance", "partition"])
STOPPED = Gauge(
    "warren_partition_stopped",
    "1 while a partition is stopped for an error that needs a human.",
    ["instance", "partition"],
)
CACHE_REBUILDS = Counter("warren_cache_rebuilds_total", "Partitions of the hot cache built anew.", ["instance"])
CACHE_FAILURES = Counter("warren_cache_failures_total", "Writes to the hot cache that failed.", ["instance"])
