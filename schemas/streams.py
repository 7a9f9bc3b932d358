"""Names of streams and the partition an order belongs to."""

from __future__ import annotations

import mmh3

ORDERS = "orders"
DEFAULT_PARTITIONS = 8

_SEED = 104729


def partition_of(subject: str, partitions: int) -> int:
    """Return the home partition, 0 to `partitions` - 1, of the order named `subject`.

    The hash is that of RabbitMQ's official stream clients (murmur3 x86 32-bit, seed 104729, of the UTF-8 bytes,
    taken unsigned), so a Java, Go or .NET service puts an order where we do.
    """
    return mmh3.hash(subject.encode(), _SEED, signed=False) % partitions


def partition_name(super_stream: str, partition: int) -> str:
    """Return the name of one partition's stream: `orders-3`."""
    return f"{super_stream}-{partition}"
