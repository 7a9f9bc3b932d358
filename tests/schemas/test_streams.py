"""An order's home partition is the one RabbitMQ's official stream clients would choose."""

from __future__ import annotations

from collections import Counter

import mmh3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.streams import DEFAULT_PARTITIONS, ORDERS, partition_name, partition_of

# Published by the Java client's tests: key and its hash, murmur3 x86 32-bit with seed 104729.
JAVA_HASHES = {"hello": 1321743225, "brave": 3825276426, "new": 2970740106, "world": 2453398188}

# And key to partition of three, as it counts them: from 1.
JAVA_PARTITIONS = {f"hello{n}": p for n, p in enumerate([2, 1, 2, 3, 1, 3, 1, 2, 1, 3], 1)}


@pytest.mark.parametrize(("key", "hashed"), JAVA_HASHES.items())
@pytest.mark.parametrize("partitions", [1, 2, 3, 7, 8, 1024, 2**32])
def test_the_hash_is_the_java_clients(key: str, hashed: int, partitions: int) -> None:
    assert partition_of(key, partitions) == hashed % partitions


@pytest.mark.parametrize(("key", "partition"), JAVA_PARTITIONS.items())
def test_keys_go_where_the_java_client_puts_them(key: str, partition: int) -> None:
    assert partition_of(key, 3) == partition - 1


@pytest.mark.parametrize("subject", ["заказ-1", "注文", "\U0001f4e6-9", "é", "e\u0301"])
def test_it_is_the_utf_8_bytes_that_are_hashed(subject: str) -> None:
    assert partition_of(subject, 2**32) == mmh3.hash(subject.encode("utf-8"), 104729, signed=False)
    assert partition_of(subject, 2**32) != mmh3.hash(subject.encode("utf-16-le"), 104729, signed=False)


def test_utf_8_subjects_stay_where_they_are() -> None:
    """Fixed by hand: an order must never change its home."""
    assert [partition_of(subject, 8) for subject in ("заказ-1", "注文", "\U0001f4e6-9")] == [4, 0, 7]


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(1, 1024))
def test_every_subject_has_one_home(subject: str, partitions: int) -> None:
    home = partition_of(subject, partitions)
    assert 0 <= home < partitions
    assert home == partition_of(subject, partitions)


def test_orders_spread_over_all_partitions() -> None:
    homes = Counter(partition_of(f"order-{n}", DEFAULT_PARTITIONS) for n in range(8000))
    assert set(homes) == set(range(8))
    assert max(homes.values()) < 1.25 * min(homes.values())


def test_names_of_partitions() -> None:
    assert [partition_name(ORDERS, p) for p in (0, 7, 10)] == ["orders-0", "orders-7", "orders-10"]
