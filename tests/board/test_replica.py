"""A board that reads a replica: it never asks the primary (I9), and says how far behind the replica is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from cli.localservers import ServerControl, StateDir, down, up
from dashboards.operator.replica import LATE, ReplicaLag
from dashboards.operator.rows import Standing
from pipelines.engine.stores.instances import InstanceName
from tests.board.stock import fresh_life, publish
from tests.board.support import Board, asked
from tests.local_servers.support import quiet
from tests.support.events import event, message
from tests.support.own_sets import OwnSet, servers_of_our_own
from tests.support.pipelines import caught_up, running_pipeline
from tests.support.runs import Run, fresh_run
from tests.support.waiting import until

START = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def replicated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnSet]:
    """A set with a replica."""
    with servers_of_our_own():
        home = StateDir(tmp_path_factory.mktemp("replicated"))
        servers = up(home, replica=True, say=quiet)
        yield OwnSet(home, servers.addresses, ServerControl(home, say=quiet))
        down(home, force=True, purge=True, say=quiet)


@pytest.fixture
async def followed(replicated: OwnSet) -> AsyncIterator[Run]:
    """A run whose database is followed by a replica, its pipeline at work, one order in it, and the replica level."""
    async with fresh_run(replicated.addresses) as run, running_pipeline(run):
        await publish(run, *fresh_life("A1", ("initiated", "file_uploaded"), ago=timedelta(minutes=3)))
        await caught_up(run)
        async with asked(run.settings) as board:
            await until(lambda: _stage(board, "A1", "file_uploaded"), "the replica to have the order")
        yield run


async def _stage(board: Board, order_id: str, stage: str) -> bool:
    response = await board.client.get(f"/api/orders/{order_id}")
    return response.status_code == 200 and response.json()["stage"] == stage


@asynccontextmanager
async def on_replica(run: Run) -> AsyncIterator[asyncpg.Connection]:
    assert run.settings.postgres_read_dsn is not None
    connection = await asyncpg.connect(run.settings.postgres_read_dsn)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def paused(run: Run) -> AsyncIterator[asyncpg.Connection]:
    """A replica that takes what the primary sends and shows none of it; goes on afterwards."""
    async with on_replica(run) as replica:
        await replica.execute("SELECT pg_wal_replay_pause()")

        async def is_paused() -> bool:
            return bool(await replica.fetchval("SELECT pg_get_wal_replay_pause_state()") == "paused")

        try:
            await until(is_paused, "the replay to pause")
            yield replica
        finally:
            await replica.execute("SELECT pg_wal_replay_resume()")


async def _shown_on_the_board(board: Board, order_id: str, stage: str) -> None:
    async def shown() -> bool:
        orders = (await board.json("/api/board", stage=stage))["orders"]
        return order_id in [order["order_id"] for order in orders]

    await until(shown, f"{order_id} to stand in {stage} on the board")


async def test_a_level_replica_is_said_to_be_and_the_primary_is_never_asked(followed: Run) -> None:
    async with asked(followed.settings) as board:
        for path in ("/", "/orders", "/stuck", "/orders/A1", "/find?q=A1", "/orders.csv", "/metrics", "/readyz"):
            assert (await board.client.get(path, follow_redirects=True)).status_code == 200

        async def level() -> bool:
            replica = (await board.json("/api/orders"))["as_of"]["replica"]
            return bool(replica["behind_seconds"] == 0 and replica["connected"])

        await until(level, "the replica to be level")
        assert "up to date" in await board.text("/orders")
        connection = await followed.connect()
        ours = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'warren board'"
        assert await connection.fetchval(ours) == 0
        await connection.close()
        async with on_replica(followed) as replica:
            assert await replica.fetchval(ours) >= 1


async def test_of_a_primary_nothing_is_said(followed: Run) -> None:
    async with asked(followed.settings, postgres_read_dsn=None) as board:
        assert (await board.json("/api/orders"))["as_of"]["replica"] is None
        assert "replica" not in await board.text("/orders")
        assert "warren_replica_lag_seconds" not in await board.text("/metrics")


async def test_an_order_is_waited_for_until_the_replica_has_it(followed: Run) -> None:
    async with asked(followed.settings) as board:
        async with paused(followed) as replica:
            await publish(followed, message(event("A1", "submitted")))
            await _shown_on_the_board(board, "A1", "submitted")
            asking = asyncio.create_task(board.json("/api/orders/A1"))
            await asyncio.sleep(0.2)
            assert not asking.done()
            await replica.execute("SELECT pg_wal_replay_resume()")
        answer = await asking
        assert (answer["stage"], answer["behind"]) == ("submitted", False)


async def test_a_replica_that_stays_behind_is_said_to_be_on_every_page(followed: Run) -> None:
    async with asked(followed.settings) as board:
        async with paused(followed):
            await publish(followed, message(event("A1", "submitted")))
            await _shown_on_the_board(board, "A1", "submitted")
            answer = await board.json("/api/orders/A1")
            assert (answer["stage"], answer["behind"]) == ("file_uploaded", True)
            assert "does not have the latest events" in await board.text("/orders/A1")

            async def late() -> bool:
                return "The read replica is" in await board.text("/orders")

            await until(late, "the table to say that the replica is behind")
            for path in ("/", "/stuck", "/orders/A1", "/orders/NONE"):
                assert "The read replica is" in (await board.client.get(path)).text, path
            assert float(await board.metric("warren_replica_lag_seconds")) > LATE.total_seconds()
            assert await board.metric("warren_replica_lag_bytes") > 0
        await until(lambda: _stage(board, "A1", "submitted"), "the replica to catch up")

        async def gone() -> bool:
            return "The read replica is" not in await board.text("/orders")

        await until(gone, "the notice to go")


async def test_live_pages_hear_of_it(followed: Run) -> None:
    async with asked(followed.settings) as board, board.events() as frames, paused(followed):
        await publish(followed, message(event("A1", "submitted")))
        async with asyncio.timeout(60):
            async for _, data in frames:
                if "The read replica is" in data:
                    break
            else:
                raise AssertionError("the stream ended")


@pytest.mark.faults
async def test_without_its_replica_the_board_goes_on_from_the_cache(followed: Run, replicated: OwnSet) -> None:
    async with asked(followed.settings) as board:
        await board.text("/")
        replicated.control.kill("replica")
        try:

            async def noticed() -> bool:
                return "The database does not answer" in await board.text("/")

            await until(noticed, "the board to see that the replica is gone")
            assert (await board.json("/api/board"))["source"] == "cache"
            # What only the database can tell is not asked of the primary.
            assert (await board.client.get("/orders")).status_code == 503
        finally:
            replicated.control.start("replica")

        async def back() -> bool:
            return (await board.client.get("/orders")).status_code == 200

        await until(back, "the replica to be read again")


@pytest.mark.faults
async def test_a_replica_without_a_primary_says_so(followed: Run, replicated: OwnSet) -> None:
    async with asked(followed.settings) as board:
        await board.text("/")
        replicated.control.kill("postgres")
        try:

            async def noticed() -> bool:
                return "lost its primary" in await board.text("/orders")

            await until(noticed, "the board to see that the replica is alone")
            assert (await board.json("/api/orders/A1"))["stage"] == "file_uploaded"
        finally:
            replicated.control.start("postgres")

        async def follows() -> bool:
            return "lost its primary" not in await board.text("/orders")

        await until(follows, "the replica to follow again")


def _row(second: float, replayed: float, size: int = 100, *, connected: bool = True) -> dict[str, Any]:
    return {
        "bytes": size,
        "connected": connected,
        "replayed_at": START + timedelta(seconds=replayed),
        "read_at": START + timedelta(seconds=second),
    }


def _behind(lag: ReplicaLag, *look: Any, **options: Any) -> float:
    found = lag.measured(_row(*look, **options))
    assert found is not None
    return found.behind.total_seconds()


def test_lag_is_the_age_of_what_is_shown_but_only_since_something_is_missing() -> None:
    lag = ReplicaLag()
    assert lag.measured(None) is None
    assert _behind(lag, 100, 40) == 60  # nobody has looked before: all that is known
    assert _behind(lag, 101, 100.5) == 0.5
    assert _behind(lag, 200, 101, 0) == 0  # nothing was written for a hundred seconds
    assert _behind(lag, 201, 101) == 1
    assert _behind(lag, 230, 101) == 30
    assert _behind(lag, 231, 230.5) == 0.5
    assert _behind(lag, 240, 239, 0, connected=False) == 1
    assert _behind(lag, 300, 239, 0, connected=False) == 61  # what the primary does now, nobody knows
    assert _behind(lag, 299, 300) == 0  # the primary's clock is ahead


async def test_an_unknown_order_is_waited_for_too(followed: Run) -> None:
    async with asked(followed.settings) as board:
        async with paused(followed) as replica:
            await publish(followed, *fresh_life("NEW-1", ("initiated",), ago=timedelta(minutes=1)))
            await _shown_on_the_board(board, "NEW-1", "initiated")
            asking: asyncio.Task[httpx.Response] = asyncio.create_task(board.client.get("/api/orders/NEW-1"))
            await asyncio.sleep(0.2)
            await replica.execute("SELECT pg_wal_replay_resume()")
        assert (await asking).status_code == 200


async def test_where_nothing_was_ever_read_nothing_is_waited_for(run: Run) -> None:
    async with asked(run.settings) as board:
        standing = await board.json("/api/orders")
        assert standing["as_of"]["partitions"] == []
    assert Standing(InstanceName("views", 1), (), 0, 0, 0, START).reaches(0, 0)
    assert not Standing(InstanceName("views", 1), (), 0, 0, 0, START).reaches(0, 1)
