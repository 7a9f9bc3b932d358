"""`warren outbox`: put in, relayed, looked at, audited, taken out; and what it says when something is wrong."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import asyncpg
import httpx
import orjson
import pytest

from pipelines.edges.outbox.reports import reports_key
from tests.board.support import redis_of
from tests.cli.support import Answer, Warren
from tests.outbox.relaying import publish, until_confirmed
from tests.support.pipelines import caught_up, running_pipeline
from tests.support.runs import Run
from tests.support.waiting import until

COMMANDS = ["install", "upgrade", "uninstall", "relay", "lag", "audit", "resend"]


@pytest.fixture
def outbox(warren: Warren, run: Run) -> Warren:
    """The command, told which database the service has."""
    warren.environment["WARREN_OUTBOX_DSN"] = run.settings.postgres_dsn
    return warren


@pytest.fixture
async def shop(outbox: Warren, run: Run) -> AsyncIterator[asyncpg.Connection]:
    """The service's connection, its outbox installed."""
    assert (await outbox("outbox", "install", "--source", "/shop")).code == 0
    connection = await asyncpg.connect(run.settings.postgres_dsn)
    yield connection
    await connection.close()


def asked(command: str) -> list[str]:
    """A command with what it needs."""
    return ["outbox", command, *(["--source", "/shop"] if command == "install" else [])]


async def test_it_is_put_in_once_and_for_one_service(outbox: Warren) -> None:
    first = await outbox("outbox", "install", "--source", "/shop")
    assert (first.code, first.words) == (0, "The outbox of /shop is there, up to date.")
    again = await outbox("outbox", "install", "--source", "/shop", "--json")
    assert (again.code, again.json) == (0, {"source": "/shop", "installed": True})
    (await outbox("outbox", "install", "--source", "/crm")).failed(2, "/crm", "outbox of /shop", "one database")
    (await outbox("outbox", "install", "--source", "/nobody")).failed(2, "/nobody", "/shop, /crm, /mes")
    assert (await outbox("outbox", "upgrade", "--json")).json == {"source": "/shop", "upgraded": True}


async def test_it_is_taken_out_when_nothing_is_unpublished_or_by_force(
    outbox: Warren, shop: asyncpg.Connection, run: Run
) -> None:
    await publish(shop, "A1", "initiated")
    (await outbox("outbox", "uninstall")).failed(1, "1 event is not published yet", "--force")
    assert await shop.fetchval("SELECT count(*) FROM warren_outbox.pending") == 1
    async with redis_of(run.settings) as redis:
        await redis.hset(reports_key(run.settings.redis_prefix), mapping={"/shop": "{}", "/crm": "{}"})
        gone = await outbox("outbox", "uninstall", "--force")
        assert (gone.code, gone.words) == (0, "The outbox of /shop is gone.")
        assert set(await redis.hgetall(reports_key(run.settings.redis_prefix))) == {b"/crm"}
    assert (await outbox("outbox", "uninstall", "--json")).json == {"source": None, "uninstalled": False}


async def test_without_redis_it_is_taken_out_nevertheless(outbox: Warren, shop: asyncpg.Connection) -> None:
    outbox.environment["WARREN_REDIS_URL"] = "redis://127.0.0.1:1/0"
    assert (await outbox("outbox", "uninstall")).code == 0


async def test_a_relay_publishes_says_how_it_fares_and_stops_when_told(
    outbox: Warren, shop: asyncpg.Connection, run: Run
) -> None:
    async with outbox.process("outbox", "relay", "--metrics-port", "0", "--json") as relay:
        await publish(shop, "A1", "initiated")
        await until_confirmed(shop)
        assert relay.stderr is not None
        address = None
        while address is None:
            line = await asyncio.wait_for(relay.stderr.readline(), 60)
            assert orjson.loads(line)
            found = re.search(r"http://127\.0\.0\.1:\d+", line.decode())
            address = found.group() if found else None
        async with httpx.AsyncClient(base_url=address, trust_env=False) as client:
            assert (await client.get("/readyz")).status_code == 200

            async def counted() -> bool:
                return 'warren_outbox_pending{source="/shop"} 0.0' in (await client.get("/metrics")).text

            await until(counted, "the relay to report")
        lag = (await outbox("outbox", "lag", "--json")).json
        assert (lag["source"], lag["pending"], lag["oldest_s"], lag["writers"]) == ("/shop", 0, None, [])
        assert isinstance(lag["relay_pid"], int)
        relay.terminate()
        assert await asyncio.wait_for(relay.wait(), 60) == 0
    assert "no relay works" in (await outbox("outbox", "lag")).words


async def test_lag_names_who_holds_an_order(outbox: Warren, shop: asyncpg.Connection) -> None:
    async with shop.transaction():
        await publish(shop, "A1", "initiated")
        answer = await outbox("outbox", "lag")
        assert "Outbox of /shop: 0 events wait; no relay works." in answer.words
        assert str(shop.get_server_pid()) in answer.stdout
        (writer,) = (await outbox("outbox", "lag", "--json")).json["writers"]
        assert (writer["pid"], writer["waiting"]) == (shop.get_server_pid(), 0)
    assert "1 events wait, the oldest for" in (await outbox("outbox", "lag")).words


async def test_the_audit_finds_what_is_missing_and_resend_publishes_it(
    outbox: Warren, shop: asyncpg.Connection, run: Run
) -> None:
    async with outbox.process("outbox", "relay"):
        for order in ("A1", "A2"):
            await publish(shop, order, "initiated")
        await until_confirmed(shop)
    async with running_pipeline(run):
        await caught_up(run)
    connection = await run.connect()
    of_a2 = "order_no = (SELECT order_no FROM order_index WHERE order_id = 'A2')"
    assert await connection.execute(f"DELETE FROM ledger WHERE {of_a2}") == "DELETE 1"
    await connection.close()
    missing = await outbox("outbox", "audit")
    assert missing.code == 1
    assert "2 confirmed events, 1 missing, 0 rows reclaimed." in missing.words
    assert "missing: order A2, event " in missing.words
    resent = await outbox("outbox", "resend", "--json")
    assert (resent.code, resent.json["resent"]) == (0, 1)
    async with running_pipeline(run):
        await caught_up(run)
        again = await outbox("outbox", "audit", "--json")
    assert (again.code, again.json["events"], again.json["missing"]) == (0, 2, 0)


@pytest.mark.parametrize("command", ["upgrade", "lag", "audit", "resend"])
async def test_without_an_outbox_it_says_how_to_get_one(outbox: Warren, command: str) -> None:
    (await outbox(*asked(command))).failed(1, "no outbox")


def leaks(answer: Answer) -> bool:
    """Whether somebody could read the password."""
    return "s3cret" in answer.stdout + answer.stderr


@pytest.mark.parametrize("command", [command for command in COMMANDS if command != "relay"])
async def test_a_database_that_is_away_is_said_without_its_password(outbox: Warren, command: str) -> None:
    outbox.environment["WARREN_OUTBOX_DSN"] = "postgresql://shop:s3cret@127.0.0.1:1/shop"
    answer = await outbox(*asked(command))
    answer.failed(3, "--dsn")
    assert not leaks(answer)


@pytest.mark.parametrize("command", COMMANDS)
async def test_an_address_that_is_none_is_wrong_usage(outbox: Warren, command: str) -> None:
    outbox.environment["WARREN_OUTBOX_DSN"] = "mysql://shop:s3cret@db/shop"
    answer = await outbox(*asked(command))
    answer.failed(2, "--dsn", "postgresql://")
    assert not leaks(answer)


async def test_a_role_without_rights_is_told_so(outbox: Warren, run: Run) -> None:
    role = f"nobody_{urlsplit(run.settings.postgres_dsn).path[1:]}"
    owner = await run.connect()
    await owner.execute(f"CREATE ROLE {role} LOGIN")
    try:
        place = urlsplit(run.settings.postgres_dsn)
        dsn = place._replace(netloc=f"{role}@{place.hostname}:{place.port}").geturl()
        (await outbox("outbox", "install", "--source", "/shop", "--dsn", dsn)).failed(3, "permission denied", "owner")
        assert (await outbox("outbox", "install", "--source", "/shop")).code == 0
        for command in ("lag", "audit", "uninstall", "upgrade"):
            answer = await outbox("outbox", command, "--dsn", dsn)
            answer.failed(1, "no outbox", "this role may not use", "ask as the role that did")
        assert (await outbox("outbox", "lag")).code == 0
    finally:
        await owner.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")
        await owner.close()
