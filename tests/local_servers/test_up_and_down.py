"""`up` gives servers that work and `down` leaves nothing of them."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import psycopg
import pytest
import redis
from rstream import Producer

from cli.localservers import StateDir, down, up
from cli.localservers.state import load
from tests.local_servers.support import (
    all_healthy,
    ended,
    known_state,
    listening_addresses,
    none_answers,
    processes_of,
    quiet,
)
from tests.support.own_sets import OwnSet

LOOPBACK = {"0100007F", "00000000000000000000000001000000"}


async def test_stream_clients_are_sent_to_the_advertised_port(shared: OwnSet) -> None:
    url = urlsplit(shared.addresses.stream_url)
    assert url.port is not None
    async with Producer(url.hostname or "", url.port, username="guest", password="guest") as producer:
        await producer.create_stream("reachable", exists_ok=True)
        await producer.send_wait("reachable", b"confirmed")


def test_postgres_is_as_safe_as_in_production(shared: OwnSet) -> None:
    wanted = {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "autovacuum": "on",
        "max_connections": "200",
        "max_wal_size": "4GB",
        "wal_level": "replica",
        "dynamic_shared_memory_type": "posix",
    }
    with psycopg.connect(shared.addresses.postgres_dsn) as connection:
        found = {name: connection.execute(f"SHOW {name}").fetchone() for name in wanted}
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        connection.execute("SELECT count(*) FROM pg_stat_statements")
        buffers = connection.execute("SELECT pg_size_bytes(current_setting('shared_buffers')) / 2^20").fetchone()
    assert found == {name: (value,) for name, value in wanted.items()}
    assert buffers is not None
    assert 128 <= buffers[0] <= 4096


def test_no_signal_of_our_terminal_reaches_the_servers(shared: OwnSet) -> None:
    assert os.getsid(0) not in {os.getsid(process.pid) for process in processes_of(shared.home)}


def test_redis_keeps_a_key(shared: OwnSet) -> None:
    with redis.Redis.from_url(shared.addresses.redis_url) as client:
        client.set("key", "value")
        assert client.get("key") == b"value"


def test_everything_listens_on_loopback_only(shared: OwnSet) -> None:
    assert listening_addresses(known_state(shared.home).ports) <= LOOPBACK


def test_a_second_up_starts_nothing_and_gives_the_same_addresses(shared: OwnSet) -> None:
    before = known_state(shared.home)
    said: list[str] = []
    again = up(shared.home, say=said.append)
    assert said == [], "neither started nor waited for"
    assert again.addresses == shared.addresses
    assert known_state(shared.home).servers == before.servers


@pytest.mark.long
def test_two_sets_that_start_at_once_do_not_collide(new_home: Callable[[str], StateDir]) -> None:
    homes = [new_home("one"), new_home("two")]
    with ThreadPoolExecutor() as pool:
        first, second = pool.map(lambda home: up(home, say=quiet), homes)
    ports = [set(known_state(home).ports.model_dump().values()) for home in homes]
    assert not ports[0] & ports[1]
    assert all_healthy(first.addresses)

    processes = processes_of(homes[0])
    assert down(homes[0], say=quiet)
    assert none_answers(first.addresses)
    assert all_healthy(second.addresses)
    assert ended(processes)
    assert load(homes[0]) is None
    assert not down(homes[0], say=quiet), "a second down finds nothing to do"


@pytest.mark.long
def test_ports_and_data_are_kept_until_purged(new_home: Callable[[str], StateDir]) -> None:
    home = new_home("kept")
    first = up(home, say=quiet)
    with psycopg.connect(first.addresses.postgres_dsn) as connection:
        connection.execute("CREATE TABLE kept (n int)")
    down(home, say=quiet)
    second = up(home, say=quiet)
    assert second.addresses == first.addresses
    with psycopg.connect(second.addresses.postgres_dsn) as connection:
        connection.execute("SELECT n FROM kept")
    down(home, purge=True, say=quiet)
    assert not (home.root / "data").exists()
