"""`warren run`, as a process of its own."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncGenerator
from contextlib import aclosing

import httpx
import orjson
import pytest

from pipelines.engine.transport import SuperStreamPublisher
from tests.cli.support import AWAY, Warren
from tests.support.events import event, life, message
from tests.support.pipelines import caught_up
from tests.support.runs import Run
from tests.support.waiting import until


async def _log(process: asyncio.subprocess.Process) -> AsyncGenerator[dict[str, str], None]:
    assert process.stderr is not None
    while line := await asyncio.wait_for(process.stderr.readline(), 60):
        yield orjson.loads(line)


async def _served_at(process: asyncio.subprocess.Process) -> str:
    """Return the address of the process's own HTTP server, as its log has it."""
    async with aclosing(_log(process)) as lines:
        async for line in lines:
            if "http://" in line["event"]:
                return next(word for word in line["event"].split() if word.startswith("http://"))
    raise AssertionError("the log names no address")


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
async def test_events_take_effect_until_it_is_told_to_stop(warren: Warren, run: Run, stop: signal.Signals) -> None:
    async with warren.process("run", "views@1", "--metrics-port", "0", "--json") as process:
        address = await _served_at(process)
        async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher:
            await publisher.publish([message(fields) for fields in life("A1")])
        await caught_up(run)
        async with httpx.AsyncClient(base_url=address, trust_env=False) as client:
            ready = await client.get("/readyz")
            assert (ready.status_code, ready.json()["reasons"]) == (200, [])
            metrics = (await client.get("/metrics")).text
            assert 'warren_events_total{instance="views@1",outcome="applied"} 10.0' in metrics
        process.send_signal(stop)
        _, stderr = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0
    assert orjson.loads(stderr.splitlines()[-1])["event"] == "views@1: stopped"
    assert (await warren("order", "show", "A1", "--json")).json["state"]["stage"] == "closed"


@pytest.mark.parametrize(
    ("server", "variable"), [("PostgreSQL", "WARREN_POSTGRES_DSN"), ("RabbitMQ", "WARREN_STREAM_URL")]
)
async def test_a_server_that_is_not_there_yet_is_waited_for(warren: Warren, server: str, variable: str) -> None:
    warren.environment[variable] = AWAY[variable]
    async with warren.process("run", "views@1", "--metrics-port", "0", "--json") as process:
        async with httpx.AsyncClient(base_url=await _served_at(process), trust_env=False) as client:
            async with aclosing(_log(process)) as lines:
                waiting = (await anext(lines))["event"]
            assert waiting.startswith(f"waiting for {server}: ")
            assert (await client.get("/healthz")).status_code == 200
            ready = await client.get("/readyz")
            assert (ready.status_code, ready.json()["reasons"]) == (503, [waiting])
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 60) == 0


WAITING = """
SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database
WHERE NOT granted AND datname = current_database() AND relation = $1::text::regclass
"""


async def test_a_second_ctrl_c_ends_it_at_once_whatever_it_waits_for(warren: Warren, run: Run) -> None:
    async with warren.process("run", "views@1", "--json") as process, aclosing(_log(process)) as lines:
        async for line in lines:
            if line["event"].endswith(": running"):
                break
        keeper = await run.connect()
        async with keeper.transaction():
            await keeper.execute("LOCK TABLE ledger IN ACCESS EXCLUSIVE MODE")
            async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher:
                await publisher.publish([message(fields) for fields in life("A1")])

            async def batch_waits() -> bool:
                return bool(await keeper.fetchval(WAITING, "ledger"))

            await until(batch_waits, "a batch to wait for the table")
            process.send_signal(signal.SIGINT)
            async for line in lines:
                if line["event"].startswith("stopping; another Ctrl-C"):
                    break
            process.send_signal(signal.SIGINT)
            assert await asyncio.wait_for(process.wait(), 60) == 130
        await keeper.close()
    async with warren.process("run", "views@1"):
        await caught_up(run)  # nothing was lost


async def test_a_storm_of_parked_orders_stops_it_with_exit_code_1(warren: Warren, run: Run) -> None:
    events = [event(f"A{number}", "submitted", type="order.submitted.v2") for number in range(200)]
    async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher:
        await publisher.publish([message(fields) for fields in events])
    answer = await warren.ends("run", "views@1")
    assert answer.code == 1
    last = answer.stderr.splitlines()[-1]
    assert last.startswith("warren: ")
    assert "looks like a bad deploy" in last


async def test_a_stream_that_is_not_there_yet_is_waited_for(bare_warren: Warren) -> None:
    assert (await bare_warren("migrate")).code == 0
    async with bare_warren.process("run", "views@1", "--json") as process, aclosing(_log(process)) as lines:
        waiting = await anext(lines)
        assert "run `warren topology apply`" in waiting["event"]
        assert (await bare_warren("topology", "apply")).code == 0
        running = await anext(lines)
        assert running["event"] == "views@1: running"


async def test_an_unknown_pipeline_is_one_line(lost_warren: Warren) -> None:
    (await lost_warren.ends("run", "mood@3")).failed(2, "no pipeline 'mood@3' is declared; there are: views@1")


async def test_a_port_that_is_taken_is_one_line(warren: Warren) -> None:
    async with warren.process("run", "views@1", "--metrics-port", "0", "--json") as process:
        port = (await _served_at(process)).rsplit(":", 1)[1]
        (await warren.ends("run", "views@1", "--metrics-port", port)).failed(2, "WARREN_METRICS_PORT", port)

        async def running() -> bool:
            return process.returncode is None

        await until(running, "the first to go on")
