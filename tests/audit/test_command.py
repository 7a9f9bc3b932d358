"""`warren audit` as its callers see it: one JSON object or a table, and an exit code."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from typing import Any

from cli.localservers import Addresses
from pipelines.audit.report import FAULTS
from pipelines.engine.settings import Settings
from tests.audit.stores import FIGURES, Stores
from tests.support.runs import fresh_run


@dataclass(frozen=True)
class Answer:
    code: int | None
    out: str
    err: str

    @property
    def report(self) -> dict[str, Any]:
        """The one line of stdout."""
        (line,) = self.out.splitlines()
        found: dict[str, Any] = json.loads(line)
        return found


async def call(settings: Settings, *arguments: str) -> Answer:
    """Run the command in a process of its own."""
    named = {
        f"WARREN_{name.upper()}": str(getattr(settings, name)) for name in ("stream_url", "postgres_dsn", "redis_url")
    }
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from cli.main import main; main()",
        "audit",
        *arguments,
        env={**os.environ, **named, "COLUMNS": "100"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await child.communicate()
    return Answer(child.returncode, out.decode(), err.decode())


async def test_a_clean_store_exits_with_zero(stores: Stores) -> None:
    answer = await call(stores.settings, "--json")
    assert answer.code == 0, answer.err
    assert {name: answer.report[name] for name in FIGURES} == FIGURES
    assert answer.report["clean"] is True
    assert answer.err == ""


async def test_a_fault_exits_with_one_and_is_named(stores: Stores) -> None:
    await stores.connection.execute("UPDATE open_orders SET price_amount = 1 WHERE order_id = 'B3'")
    answer = await call(stores.settings, "--json")
    assert answer.code == 1
    assert {figure: answer.report[figure] for figure in FAULTS} == {
        "lost": 0, "doubled": 0, "order_gaps": 0, "mismatches": 1,
    }  # fmt: skip
    (finding,) = [found for found in answer.report["findings"] if found["figure"] == "mismatches"]
    assert (finding["kind"], finding["order_id"]) == ("price", "B3")
    assert finding["detail"] == "open_orders says 1 EUR, the events say 12.50 EUR"


async def test_people_get_a_table_and_the_findings(stores: Stores) -> None:
    await stores.connection.execute("DELETE FROM timeline WHERE event_id = 'B3-submitted'")
    answer = await call(stores.settings)
    assert answer.code == 1
    assert "order_gaps: timeline_missing: order B3, partition" in answer.out
    assert "event /shop B3-submitted: the timeline does not have it" in answer.out
    assert "Faults found." in answer.out


async def test_servers_that_are_away_exit_with_three(stores: Stores) -> None:
    nobody = "rabbitmq-stream://guest:guest@127.0.0.1:1/%2f"
    answer = await call(stores.settings.model_copy(update={"stream_url": nobody}), "--json")
    assert (answer.code, answer.out, len(answer.err.splitlines())) == (3, "", 1)
    nobody = "postgresql://warren@127.0.0.1:1/none"
    answer = await call(stores.settings.model_copy(update={"postgres_dsn": nobody}), "--json")
    assert (answer.code, answer.out, len(answer.err.splitlines())) == (3, "", 1)


async def test_what_cannot_be_audited_exits_with_three(servers: Addresses) -> None:
    async with fresh_run(servers, prepared=False) as run:
        answer = await call(run.settings, "--json")
    assert (answer.code, answer.out) == (3, "")
    assert "warren topology apply" in answer.err


async def test_wrong_usage_exits_with_two(stores: Stores) -> None:
    answer = await call(stores.settings, "--instance", "pricing@1")
    assert answer.code == 2
    answer = await call(stores.settings, "--no-such-option")
    assert answer.code == 2


async def test_help_has_an_example_and_the_exit_codes() -> None:
    answer = await call(Settings(_env_file=None), "--help")
    assert "warren audit --json" in answer.out
    assert "Exit codes: 0 nothing lost" in answer.out
