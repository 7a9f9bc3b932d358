"""`warren publish`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import orjson

from cli.partitions import end_offsets
from tests.cli.support import Warren
from tests.support.events import event, life
from tests.support.runs import Run
from tests.support.waiting import until


def _lines(events: list[dict[str, Any]]) -> bytes:
    return b"".join(orjson.dumps(fields) + b"\n" for fields in events)


async def _in_stream(run: Run) -> int:
    return sum(await end_offsets(run.settings))


async def test_every_line_of_a_file_is_confirmed(warren: Warren, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(_lines([fields for number in range(250) for fields in life(f"A{number}")]))
    answer = await warren("publish", str(file), "--json")
    assert (answer.code, answer.stderr) == (0, "")
    assert answer.json == {"read": 2500, "confirmed": 2500, "rejected": 0}
    assert await _in_stream(run) == 2500


async def test_bad_lines_are_named_and_not_sent_and_the_rest_is(warren: Warren, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    later = event("A1", "submitted", type="order.submitted.v9")
    good = _lines(life("A1", "initiated", "submitted"))
    bad = b"{not json\n" + _lines([event("A1", "initiated", source="/nobody"), later])
    file.write_bytes(bad + b"\n  \n" + good.rstrip(b"\n"))
    answer = await warren("publish", str(file), "--json")
    assert answer.code == 1
    assert answer.json == {"read": 5, "confirmed": 2, "rejected": 3}
    first, second, third = answer.stderr.splitlines()
    assert first.startswith("line 1: unparsable")
    assert second.startswith("line 2: forbidden_source")
    assert "line 3" in third
    assert "order.submitted.v9" in third
    assert await _in_stream(run) == 2


async def test_a_pipe_that_stays_open_holds_no_event_back(warren: Warren, run: Run) -> None:
    async with warren.process("publish", "-") as process:
        assert process.stdin is not None
        process.stdin.write(_lines(life("A1", "initiated")))

        async def arrived() -> bool:
            return await _in_stream(run) == 1

        await until(arrived, "the first event to be in the stream")
        stdout, _ = await asyncio.wait_for(process.communicate(_lines(life("A1", "submitted"))), 60)
    assert process.returncode == 0
    assert stdout.decode().strip() == "2 events read, 2 confirmed, 0 rejected."
    assert await _in_stream(run) == 2


async def test_ctrl_c_ends_it_while_a_pipe_is_silent(warren: Warren, run: Run) -> None:
    async with warren.process("publish", "-", "--json") as process:
        assert process.stdin is not None
        process.stdin.write(_lines(life("A1", "initiated")))

        async def arrived() -> bool:
            return await _in_stream(run) == 1

        await until(arrived, "the first event to be in the stream")
        process.send_signal(2)
        assert await asyncio.wait_for(process.wait(), 30) == 130
        assert process.stdout is not None
        assert orjson.loads(await process.stdout.read())["read"] == 1


async def test_a_file_that_is_not_there_is_one_line(warren: Warren, tmp_path: Path) -> None:
    answer = await warren("publish", str(tmp_path / "none.jsonl"), "--json")
    answer.failed(1, "none.jsonl: No such file or directory")
    assert answer.json == {"read": 0, "confirmed": 0, "rejected": 0}


async def test_a_broker_that_is_away_is_one_line(lost_warren: Warren, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(_lines(life("A1")))
    answer = await lost_warren("publish", str(file))
    answer.failed(3, "no broker at 127.0.0.1:1")
