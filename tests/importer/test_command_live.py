"""`warren import` as a process, into a real stream."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

from pipelines.engine.transport import end_offset
from schemas.streams import partition_name
from tests.importer.shop import LINE_COLUMNS, MAPPING, ORDER_COLUMNS, line, order
from tests.importer.test_command import write
from tests.support.runs import Run

PROGRAM = "from cli.main import main; main()"


async def call(run: Run, folder: Path) -> tuple[int, dict[str, object], str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, "import", "--mapping", "shop.toml", "orders.csv", "lines.csv", "--json",
        cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **run.environment(), "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return process.returncode, json.loads(out or b"{}"), err.decode()


async def in_stream(run: Run) -> int:
    settings = run.settings
    streams = [partition_name(settings.super_stream, number) for number in range(settings.partitions)]
    return sum([await end_offset(settings.stream_url, stream) for stream in streams])


async def test_what_is_confirmed_is_in_the_stream_and_a_bad_row_changes_the_exit_code(run: Run, tmp_path: Path) -> None:
    (tmp_path / "shop.toml").write_text(MAPPING)
    orders = [order(f"A{number}") for number in range(1200)]
    write(tmp_path / "orders.csv", ORDER_COLUMNS, orders)
    write(tmp_path / "lines.csv", LINE_COLUMNS, [line(row["id"]) for row in orders])
    code, result, err = await call(run, tmp_path)
    assert (code, err) == (0, "")
    assert result == {
        "rows": 1200, "orders": 1200, "events": 2400, "confirmed": 2400, "rejected": 0, "unmatched": [],
        "dry_run": False,
    }  # fmt: skip
    assert await in_stream(run) == 2400

    write(tmp_path / "orders.csv", ORDER_COLUMNS, [order("B1", bought="soon"), order("B2")])
    code, result, err = await call(run, tmp_path)
    assert (code, result["confirmed"], result["rejected"]) == (1, 1, 1)
    assert "rejected orders.csv:2: bought: 'soon'" in err
    assert await in_stream(run) == 2401


async def test_a_broker_that_is_away_fails_in_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "shop.toml").write_text(MAPPING)
    write(tmp_path / "orders.csv", ORDER_COLUMNS, [order()])
    write(tmp_path / "lines.csv", LINE_COLUMNS, [])
    gone = run.addresses.model_copy(update={"stream_url": "rabbitmq-stream://guest:guest@127.0.0.1:1/%2f"})
    code, result, err = await call(Run(run.settings, gone), tmp_path)
    assert (code, result) == (3, {})
    assert err.count("\n") == 1
