"""The README's snippets run, as they stand, against a real broker."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from faststream import FastStream
from prometheus_client import CollectorRegistry

import pipelines.engine.broker
from cli.localservers import Addresses, run_environment, unique_run_name
from pipelines.engine.broker import Offset, StreamBroker
from pipelines.engine.transport.address import Address
from pipelines.engine.transport.connection import Connection
from tests.broker.conftest import has, new_stream, serving
from tests.support.waiting import until

README = Path(pipelines.engine.broker.__file__).with_name("README.md")


@pytest.fixture
async def url(servers: Addresses) -> AsyncIterator[str]:
    """A virtual host for each test: the snippets share stream names."""
    async with run_environment(servers, unique_run_name("readme")) as own:
        yield own.stream_url


@pytest.fixture
def names(url: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Everything the snippets define, one after the other."""
    monkeypatch.setenv("STREAM_URL", url)
    found: dict[str, Any] = {"__name__": "readme"}
    for snippet in re.findall(r"^```python\n(.*?)^```", README.read_text(), flags=re.M | re.S):
        exec(compile(snippet, str(README), "exec"), found)
    return found


async def test_the_example_publishes_reads_and_alarms(url: str, names: dict[str, Any]) -> None:
    app: FastStream = names["app"]
    alarms: list[Any] = []
    follower = StreamBroker(url)

    @follower.subscriber("alarms", offset=Offset.first())
    async def alarm(body: dict[str, str]) -> None:
        alarms.append(body["sensor"])

    await app.start()
    try:
        async with serving(follower):
            await until(has(alarms, 19), "19 alarms")
    finally:
        await app.stop()
    assert sorted(alarms) == sorted(f"s{n % 10}" for n in range(81, 100))


async def test_the_ledger_counts_each_reading_once(url: str, names: dict[str, Any], tmp_path: Path) -> None:
    await StreamBroker(url).create_super_stream("readings", 3)
    publisher = StreamBroker(url)
    before = 0
    for turn in range(3):
        ledger = names["Ledger"](str(tmp_path / "ledger.db"))
        await publisher.publish_batch(*({"sensor": "own", "celsius": n} for n in range(10)), stream="readings")
        broker = names["make_broker"](url, ledger)

        async def counted(ledger: Any = ledger, wanted: int = 10 * turn + 10) -> bool:
            row = ledger.database.execute("SELECT count FROM totals WHERE sensor = 'own'").fetchone()
            return row is not None and row[0] >= wanted

        async with serving(broker):
            await until(counted, "the readings to be counted")
        total = ledger.database.execute("SELECT count FROM totals WHERE sensor = 'own'").fetchone()[0]
        assert total == before + 10
        before = total
        ledger.database.close()
    await publisher.stop()


async def test_the_ledger_takes_no_other_stream_for_its_own(url: str, names: dict[str, Any], tmp_path: Path) -> None:
    ledger = names["Ledger"](str(tmp_path / "ledger.db"))

    async def publish(count: int) -> None:
        await StreamBroker(url).create_super_stream("readings", 3)
        async with StreamBroker(url) as publisher:
            readings = ({"sensor": "own", "celsius": n} for n in range(count))
            await publisher.publish_batch(*readings, stream="readings", key="own")

    async def counted() -> bool:
        return bool(sum([await ledger.position(partition) for partition in range(3)]) == 10)

    await publish(10)
    async with serving(names["make_broker"](url, ledger)):
        await until(counted, "the readings to be counted")
    connection = await Connection.open(Address.parse(url), "test")
    await connection.request(lambda client: client.delete_super_stream("readings"))
    await connection.close()
    await publish(30)
    broker = names["make_broker"](url, ledger)
    [subscriber] = broker.subscribers

    async def stopped() -> bool:
        return any("StreamReplaced" in trouble for trouble in subscriber.troubles())

    async with serving(broker):
        await until(stopped, "the partition to stop")
    assert await counted()
    assert ledger.database.execute("SELECT count FROM totals").fetchone() == (10,)
    ledger.database.close()


async def test_places_and_times_come_with_records(url: str, names: dict[str, Any]) -> None:
    broker, seen = StreamBroker(url), list[Any]()
    await StreamBroker(url).create_super_stream("readings", 3)
    names["follow"](broker, seen)
    async with serving(broker):
        await until(broker.ping, "both subscribers to read")
        await broker.publish({"sensor": "s", "celsius": 1}, "readings")
        await until(has(seen, 2), "both handlers")
    assert seen[0] == seen[1]


async def test_lines_of_another_form_become_readings(url: str, names: dict[str, Any]) -> None:
    broker, seen = StreamBroker(url), list[Any]()
    for stream in ("loggers-lines", "loggers-normal"):
        await broker.create_super_stream(stream, 2)
    broker.include_router(names["loggers"])

    @broker.subscriber("loggers-normal", offset=Offset.first())
    async def handle(body: dict[str, Any]) -> None:
        seen.append(body)

    async with serving(broker):
        await broker.publish("attic;12.5", "loggers-lines")
        await until(has(seen, 1), "the reading")
    assert seen == [{"sensor": "attic", "celsius": 12.5}]


async def test_what_is_no_reading_is_set_aside(url: str, names: dict[str, Any]) -> None:
    broker, stream, done = StreamBroker(url, middlewares=[names["SetAside"]]), await new_stream(url), list[Any]()
    await StreamBroker(url).create_super_stream("not-readings", 1)

    async def handle(reading: Any) -> None:
        done.append(reading.sensor)

    handle.__annotations__["reading"] = names["Reading"]
    broker.subscriber(stream, offset=Offset.first())(handle)

    @broker.subscriber("not-readings", offset=Offset.first())
    async def aside(body: dict[str, str]) -> None:
        done.append(body["id"].rpartition(":")[2])

    async with serving(broker):
        await broker.publish_batch({"no": "reading"}, {"sensor": "s", "celsius": 1}, stream=stream, key="k")
        await until(has(done, 2), "both")
    assert sorted(done) == ["0", "s"]


async def test_a_filter_leaves_the_cold_ones_out(url: str, names: dict[str, Any]) -> None:
    broker, seen = StreamBroker(url), list[Any]()
    await StreamBroker(url).create_super_stream("readings", 3)
    names["only_hot"](broker, seen)
    async with serving(broker):
        await until(broker.ping, "the subscriber to read")
        await names["publish_filtered"](broker)
        await names["publish_filtered"](broker)
        await until(has(seen, 2), "the hot ones")
    assert seen == [{"kind": "hot"}] * 2


@pytest.mark.filterwarnings(r"ignore:\sError:RuntimeWarning")  # FastStream looks for the caller's source
async def test_the_test_passes(names: dict[str, Any]) -> None:
    await names["test_a_hot_sensor_raises_an_alarm"]()


def test_a_watched_broker_can_be_made(url: str, names: dict[str, Any]) -> None:
    assert names["watched"](url, CollectorRegistry()).middlewares
