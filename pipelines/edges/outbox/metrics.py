"""What a relay counts, for Prometheus."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

CONFIRMED = Counter("warren_outbox_events_total", "Events of an outbox the broker has confirmed.", ["source"])
BATCHES = Counter("warren_outbox_batches_total", "Batches these went in.", ["source"])
OWNED = Gauge("warren_outbox_owned", "1 while this relay is the one that works.", ["source"])
PENDING = Gauge("warren_outbox_pending", "Committed events not confirmed yet, counted up to 100,000.", ["source"])
OLDEST = Gauge("warren_outbox_oldest_seconds", "Age of the oldest committed event not confirmed yet.", ["source"])
WRITER = Gauge("warren_outbox_writer_seconds", "Age of the oldest open transaction with events.", ["source"])
