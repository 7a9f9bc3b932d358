"""An AMQP 1.0 client of its own, in Node: its events stand in their orders' partitions, as readers expect them."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path
from typing import Any

import orjson
import pytest

from schemas.streams import partition_of
from tests.examples.shops import node_program, stream_of
from tests.support.events import event
from tests.support.pipelines import caught_up, running_pipeline
from tests.support.runs import Run

NAMES = ["A-1", "acme:7", "Заказ-7", "x", "ab", "abc", "abcd", "abcde", "\U0001f407" * 3, "}" * 128]


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The client, installed."""
    return node_program("amqp", tmp_path_factory.mktemp("node")) / "publish.js"


async def published(program: Path, run: Run, events: list[dict[str, Any]], **changes: str) -> tuple[int, str]:
    """Hand events to the client; return its exit code and what it complained of."""
    settings = run.settings
    own = {"AMQP_URL": settings.amqp_url, "PARTITIONS": str(settings.partitions), **changes}
    child = await asyncio.create_subprocess_exec(
        "node", str(program), env={**os.environ, **own}, stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    _, complained = await child.communicate(b"".join(orjson.dumps(one) + b"\n" for one in events))
    assert child.returncode is not None
    return child.returncode, complained.decode()


async def test_what_it_publishes_takes_effect_in_order(program: Path, run: Run) -> None:
    events = [
        event(order, name, source="/partners/acme" if order.startswith("acme:") else "/shop")
        for name in ("initiated", "submitted")
        for order in NAMES
    ]
    async with running_pipeline(run):
        assert await published(program, run, events) == (0, "")
        await caught_up(run)
    connection = await run.connect()
    stages = await connection.fetch("SELECT order_id, stage, anomalies, revision FROM open_orders")
    quarantined = await connection.fetchval("SELECT count(*) FROM quarantine")
    await connection.close()
    assert sorted(map(tuple, stages)) == sorted((order, "submitted", 0, 2) for order in NAMES)
    assert quarantined == 0
    told = {order: [one["type"] for one in ones] for order, ones in (await stream_of(run)).items()}
    assert told == {order: ["order.initiated.v1", "order.submitted.v1"] for order in NAMES}


async def test_it_names_what_it_could_not_publish(program: Path, run: Run) -> None:
    events = [event("A-1", "initiated"), event("A-2", "initiated")]
    nowhere = run.settings.amqp_url.replace("guest:guest@", "guest:wrong@")
    for changes in ({"SUPER_STREAM": "nothing"}, {"AMQP_URL": nowhere}):
        code, complained = await published(program, run, events, **changes)
        assert code == 1
        assert complained.splitlines()[1:] == ["A-1-initiated", "A-2-initiated"]
        assert "unconfirmed:" in complained.splitlines()[0]


def test_its_hash_is_ours(program: Path) -> None:
    names = orjson.dumps(NAMES).decode()
    script = f"""
        import {{ partitionOf }} from "./partition.js";
        console.log(JSON.stringify({names}.map((name) => partitionOf(name, 97))));
    """
    said = subprocess.run(
        ["node", "--input-type=module", "-e", script], cwd=program.parent, check=True, capture_output=True
    ).stdout
    assert orjson.loads(said) == [partition_of(name, 97) for name in NAMES]
