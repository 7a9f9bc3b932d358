"""Each run has a virtual host, a database and Redis keys of its own."""

from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
from redis.asyncio import Redis
from rstream import Producer

from cli.localservers import (
    RunAddresses,
    ServicesError,
    create_run,
    drop_run,
    further_dsn,
    run_environment,
    unique_run_name,
)
from cli.localservers.runs import run_name
from tests.support.own_sets import OwnSet


def vhosts(management_url: str) -> set[str]:
    return {vhost["name"] for vhost in httpx.get(f"{management_url}/api/vhosts", trust_env=False).json()}


def databases(dsn: str) -> set[str]:
    with psycopg.connect(dsn) as connection:
        return {name for (name,) in connection.execute("SELECT datname FROM pg_database")}


async def use(run: RunAddresses) -> None:
    """Use all three as a pipeline would."""
    url = urlsplit(run.stream_url)
    assert url.port is not None
    vhost = url.path.removeprefix("/")
    async with Producer(url.hostname or "", url.port, vhost=vhost, username="guest", password="guest") as producer:
        await producer.create_stream("orders")
        await producer.send_wait("orders", b"event")
    with psycopg.connect(run.postgres_dsn) as connection:
        connection.execute("CREATE TABLE orders (n int)")
    async with Redis.from_url(run.redis_url) as client:
        for number in range(2500):
            await client.set(f"{run.redis_prefix}{number}", "card")


async def test_two_runs_share_servers_without_meeting(shared: OwnSet) -> None:
    names = [unique_run_name("demo"), unique_run_name("demo")]
    async with run_environment(shared.addresses, names[0]) as one, Redis.from_url(one.redis_url) as client:
        async with run_environment(shared.addresses, names[1]) as two:
            await use(one)
            await use(two)
        assert await client.exists(f"{one.redis_prefix}1") == 1
        assert await client.exists(f"{two.redis_prefix}1") == 0
        assert vhosts(shared.addresses.management_url) >= {names[0]}
        assert names[1] not in vhosts(shared.addresses.management_url) | databases(shared.addresses.postgres_dsn)


async def test_a_run_is_dropped_although_somebody_is_connected(shared: OwnSet) -> None:
    name = unique_run_name("busy")
    run = await create_run(shared.addresses, name)
    connection = psycopg.connect(run.postgres_dsn)
    await drop_run(shared.addresses, name)
    assert name not in databases(shared.addresses.postgres_dsn)
    connection.close()
    await drop_run(shared.addresses, name)


async def test_further_databases_come_and_go_with_their_run(shared: OwnSet) -> None:
    name = unique_run_name("shop")
    run = await create_run(shared.addresses, name, ("crm", "mes"))
    assert databases(shared.addresses.postgres_dsn) >= {name, f"{name}_crm", f"{name}_mes"}
    psycopg.connect(further_dsn(run, "crm")).close()
    await drop_run(shared.addresses, name, ("crm", "mes"))
    assert not any(name in database for database in databases(shared.addresses.postgres_dsn))


async def test_a_name_in_use_is_refused_and_its_run_left_alone(shared: OwnSet) -> None:
    async with run_environment(shared.addresses, unique_run_name("taken")) as run:
        with pytest.raises(ServicesError, match="already"):
            await create_run(shared.addresses, urlsplit(run.stream_url).path)
        await use(run)


async def test_nothing_is_left_of_a_run_that_could_not_be_made(shared: OwnSet) -> None:
    name = unique_run_name("half")
    broken = shared.addresses.model_copy(update={"management_url": "http://guest:wrong@127.0.0.1:9"})
    with pytest.raises(ServicesError, match="management API"):
        await create_run(broken, name)
    assert name not in databases(shared.addresses.postgres_dsn)


async def test_one_server_that_does_not_answer_keeps_no_other_from_being_cleaned(shared: OwnSet) -> None:
    name = unique_run_name("part")
    await create_run(shared.addresses, name)
    broken = shared.addresses.model_copy(update={"redis_url": "redis://127.0.0.1:9/0"})
    with pytest.raises(ServicesError, match="not wholly dropped"):
        await drop_run(broken, name)
    assert name not in vhosts(shared.addresses.management_url) | databases(shared.addresses.postgres_dsn)


def test_environment_names_everything(shared: OwnSet) -> None:
    run = RunAddresses(**shared.addresses.model_dump(), redis_prefix="warren:demo:")
    assert run.as_environment() == {
        "WARREN_STREAM_URL": run.stream_url,
        "WARREN_AMQP_URL": run.amqp_url,
        "WARREN_MANAGEMENT_URL": run.management_url,
        "WARREN_POSTGRES_DSN": run.postgres_dsn,
        "WARREN_REDIS_URL": run.redis_url,
        "WARREN_REDIS_PREFIX": "warren:demo:",
    }


def test_names_fit_all_three() -> None:
    assert run_name("My-Demo run/7") == "my_demo_run_7"
    for bad in ("", "---", "x" * 61):
        with pytest.raises(ServicesError):
            run_name(bad)
