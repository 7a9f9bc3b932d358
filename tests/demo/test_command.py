"""`warren demo` as people and programs start it: a process with children, on real servers."""

from __future__ import annotations

import asyncio
import signal

import orjson
import pytest

from cli.localservers import Addresses
from tests.demo.support import Demo, demo, left_behind

FIGURES = {
    "published", "distinct", "duplicates_dropped", "quarantined", "parked", "orders", "mismatches", "lost", "doubled",
    "order_gaps", "seconds", "events_per_second", "visible_ms_p50", "visible_ms_p99",
}  # fmt: skip

CLEAN = ("mismatches", "lost", "doubled", "order_gaps")


def nothing_left(running: Demo, servers: Addresses) -> None:
    assert running.processes() == {}
    assert left_behind(servers, running.run) == []


async def test_so_many_orders_are_played_proven_and_cleared_away(servers: Addresses) -> None:
    async with demo("--orders", "200", "--once", "--json", "--seed", "1") as running:
        code, stdout = await running.end()
    assert code == 0, running.said
    assert len(stdout.splitlines()) == 1
    figures = orjson.loads(stdout)
    assert figures.keys() >= FIGURES
    assert {name: figures[name] for name in CLEAN} == dict.fromkeys(CLEAN, 0)
    assert figures["disagreements"] == []
    assert figures["orders"] == 200
    assert figures["published"] == figures["distinct"] + figures["duplicates_dropped"]
    assert figures["distinct"] == figures["applied"] + figures["parked"] + figures["quarantined"]
    for name in ("duplicates_dropped", "quarantined", "parked", "visible_samples", "events_per_second"):
        assert figures[name] > 0, name
    assert 0 < figures["visible_ms_p50"] <= figures["visible_ms_p99"]
    assert "http://" in running.said
    nothing_left(running, servers)


@pytest.mark.long
async def test_two_demos_play_at_the_same_time(servers: Addresses) -> None:
    arguments = ("--orders", "60", "--once", "--json", "--seed", "2")
    async with demo(*arguments) as one, demo(*arguments) as other:
        ends = await asyncio.gather(one.end(), other.end())
    assert one.run != other.run
    first, second = (orjson.loads(stdout) for _, stdout in ends)
    assert [code for code, _ in ends] == [0, 0], one.said + other.said
    same = ("published", "distinct", "duplicates_dropped", "quarantined_by_reason", "parked", "orders")
    assert {name: first[name] for name in same} == {name: second[name] for name in same}
    for running in (one, other):
        nothing_left(running, servers)


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long)])
async def test_one_that_goes_on_stops_cleanly_when_told(servers: Addresses, number: signal.Signals) -> None:
    async with demo("--orders", "40", "--seed", "3") as running:
        await running.says("running: published")
        assert len(running.processes()) == 6
        there = left_behind(servers, running.run)
        databases = ["its database", "its database_shop", "its database_crm", "its database_mes"]
        assert there[:5] == ["its virtual host", *databases]
        assert len(there) > 5, "no keys"
        running.signal(number)
        code, stdout = await running.end()
    assert (code, stdout) == (0, ""), running.said
    assert "nothing is left behind" in running.said
    nothing_left(running, servers)


async def test_told_to_stop_before_anything_is_up_it_clears_away_what_there_is(servers: Addresses) -> None:
    async with demo("--once", "--json") as running:
        await running.says("run demo_")
        running.signal(signal.SIGINT)
        code, stdout = await running.end()
    assert (code, stdout) == (130, ""), running.said
    nothing_left(running, servers)


async def test_a_process_that_dies_ends_the_demo_with_its_name_and_log(servers: Addresses) -> None:
    async with demo("--orders", "40", "--seed", "4") as running:
        await running.says("running: published")
        pipeline = [pid for pid, command in running.processes().items() if "run views@1" in command]
        running.kill(pipeline[0])
        code, _ = await running.end()
    assert code == 1
    assert "the pipeline ended (signal SIGKILL); its log: " in running.said
    assert "pipeline: " in running.said.replace("warren: the pipeline", "")
    nothing_left(running, servers)


async def test_json_without_an_end_is_refused() -> None:
    async with demo("--json") as running:
        code, stdout = await running.end()
    assert (code, stdout) == (2, "")
    assert "--once" in running.said
