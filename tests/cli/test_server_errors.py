"""Where a server is away we say how to start one; where it refuses, what it refuses and which setting names that."""

from __future__ import annotations

import asyncpg
import pytest
from redis import Redis
from redis.exceptions import RedisError

from cli.localservers import Addresses
from cli.server_errors import cache_trouble
from tests.cli.support import AWAY, Warren
from tests.support.runs import Run

OF_THE_STREAM = ("topology show", "topology apply", "tail")
OF_THE_DATABASE = ("migrate", "lag", "order show A1", "quarantine list", "parked list")


@pytest.mark.parametrize("command", [*OF_THE_STREAM, *OF_THE_DATABASE, "audit"])
async def test_nobody_there_says_how_to_start_one(lost_warren: Warren, command: str) -> None:
    answer = await lost_warren(*command.split())
    answer.failed(3, "run `warren services up`")
    assert "is it up" not in answer.stderr


@pytest.mark.parametrize("command", OF_THE_STREAM)
async def test_a_virtual_host_that_is_not_there_is_named(warren: Warren, command: str) -> None:
    warren.environment["WARREN_STREAM_URL"] += "_elsewhere"
    answer = await warren(*command.split())
    answer.failed(3, "no such virtual host", "_elsewhere", "WARREN_STREAM_URL")
    assert "services up" not in answer.stderr


async def test_a_login_the_broker_does_not_know_is_named(warren: Warren) -> None:
    url = warren.environment["WARREN_STREAM_URL"]
    warren.environment["WARREN_STREAM_URL"] = f"rabbitmq-stream://nobody:secret@{url.rpartition('@')[2]}"
    answer = await warren("topology", "show")
    answer.failed(3, "refused: user 'nobody'", "WARREN_STREAM_URL")
    assert "secret" not in answer.stderr


@pytest.mark.parametrize("command", [*OF_THE_DATABASE, "audit"])
async def test_a_database_that_is_not_there_is_named(warren: Warren, command: str) -> None:
    warren.environment["WARREN_POSTGRES_DSN"] += "_elsewhere"
    answer = await warren(*command.split())
    answer.failed(3, "PostgreSQL refused", "_elsewhere", "WARREN_POSTGRES_DSN")
    assert "services up" not in answer.stderr


@pytest.mark.parametrize("command", OF_THE_DATABASE)
async def test_a_role_the_database_does_not_know_is_named(warren: Warren, command: str) -> None:
    dsn = warren.environment["WARREN_POSTGRES_DSN"]
    warren.environment["WARREN_POSTGRES_DSN"] = f"postgresql://nobody@{dsn.rpartition('@')[2]}"
    (await warren(*command.split())).failed(3, "PostgreSQL refused", '"nobody"', "WARREN_POSTGRES_DSN")


async def test_rights_an_account_has_not_are_named(warren: Warren, run: Run) -> None:
    connection: asyncpg.Connection = await run.connect()
    role = f"poor_{run.addresses.redis_prefix.split(':')[1]}"
    await connection.execute(f'CREATE ROLE "{role}" LOGIN')
    try:
        dsn = warren.environment["WARREN_POSTGRES_DSN"]
        warren.environment["WARREN_POSTGRES_DSN"] = f"postgresql://{role}@{dsn.rpartition('@')[2]}"
        (await warren("lag")).failed(3, "PostgreSQL refused: permission denied", "WARREN_POSTGRES_DSN")
    finally:
        await connection.execute(f'DROP ROLE "{role}"')
        await connection.close()


def _redis_said(url: str) -> str:
    with Redis.from_url(url) as redis, pytest.raises(RedisError) as error:
        redis.ping()
    return cache_trouble(error.value)


def test_redis_away_says_how_to_start_one() -> None:
    said = _redis_said(AWAY["WARREN_REDIS_URL"])
    assert said.startswith("Redis does not answer: ")
    assert said.endswith("run `warren services up`, or mend WARREN_REDIS_URL")


@pytest.mark.parametrize("wrong", ["nobody:secret@{host}/0", "{host}/99999"])
def test_what_redis_refuses_is_named(servers: Addresses, wrong: str) -> None:
    host = servers.redis_url.removeprefix("redis://").partition("/")[0].rpartition("@")[2]
    said = _redis_said(f"redis://{wrong.format(host=host)}")
    assert said.startswith("Redis refused: ")
    assert said.endswith("mend WARREN_REDIS_URL, or what it names")
    assert "secret" not in said


async def test_doctor_gives_each_advice_once(lost_warren: Warren, bare_warren: Warren) -> None:
    for one in (lost_warren, bare_warren):
        for check in (await one("doctor", "--json")).json["checks"]:
            assert not check["advice"] or check["advice"] not in check["found"], check
            for words in ("run `", "mend WARREN", "is it up"):
                assert words not in check["found"], check
            assert (check["result"] == "ok") == (check["advice"] == ""), check
