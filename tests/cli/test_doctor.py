"""`warren doctor`, on servers that are well and on ones that are not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from cli.checkup import broker, database, pipeline
from cli.checkup.findings import Result
from cli.checkup.management import Management
from pipelines.engine.instance import owner
from pipelines.engine.instance.batch import decide
from pipelines.engine.transport import SuperStreamPublisher, create_super_stream
from pipelines.engine.transport.address import Address
from pipelines.engine.transport.connection import Connection
from tests.cli.support import Answer, Warren
from tests.support.events import life, message
from tests.support.pipelines import caught_up, running_pipeline
from tests.support.runs import Run
from tests.support.waiting import until


def _checks(answer: Answer) -> dict[str, dict[str, Any]]:
    return {check["check"]: check for check in answer.json["checks"]}


async def test_all_is_well_where_a_pipeline_runs(warren: Warren, run: Run) -> None:
    async with running_pipeline(run):

        async def all_owned() -> bool:
            return all(partition["owned"] for partition in (await warren("lag", "--json")).json["partitions"])

        await until(all_owned, "every partition to have an owner")
        answer = await warren("doctor", "--json")
        assert answer.code == 0
        assert answer.json["healthy"] is True
        assert {check["result"] for check in answer.json["checks"]} == {"ok"}, answer.json
        assert len(answer.json["checks"]) == 12
        shown = await warren("doctor")
    assert [line[0] for line in shown.stdout.splitlines()] == ["✓"] * 12


async def test_nobody_to_take_the_events_is_a_warning_and_a_fault_once_some_wait(warren: Warren, run: Run) -> None:
    idle = await warren("doctor", "--json")
    assert idle.code == 0
    assert _checks(idle)["pipeline views@1"]["result"] == "warning"
    async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher:
        await publisher.publish([message(fields) for fields in life("A1")])
    waiting = await warren("doctor", "--json")
    assert waiting.code == 1
    assert _checks(waiting)["pipeline views@1"]["result"] == "fault"
    assert _checks(waiting)["pipeline views@1"]["advice"] == "run `warren run views@1`"


class Broken:
    """Takes the place of what decides about a batch; where `error` is set, no batch commits."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.error: Exception | None = None
        patch.setattr(owner, "decide", self)

    async def __call__(self, *arguments: Any) -> Any:
        if self.error is not None:
            raise self.error
        return await decide(*arguments)


@pytest.mark.parametrize(
    ("error", "found", "advice"),
    [
        (
            asyncpg.CheckViolationError("a value of ours"),
            "has taken effect for",
            "see the log or /readyz of its owner, ",
        ),
        (ValueError("a value of ours"), "3 of 4 partitions have an owner; 10 events wait", "let go, in its log"),
    ],
    ids=["the owner tries for ever", "it lets go again and again"],
)
async def test_events_that_cannot_take_effect_are_a_fault(
    warren: Warren, run: Run, monkeypatch: pytest.MonkeyPatch, error: Exception, found: str, advice: str
) -> None:
    monkeypatch.setattr(pipeline, "PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(pipeline, "LOOK_SECONDS", 0.1)
    broken = Broken(monkeypatch)

    async def look() -> dict[str, Any]:
        return _checks(await warren("doctor", "--json"))["pipeline views@1"]

    async with running_pipeline(run):

        async def well() -> bool:
            return bool((await look())["result"] == "ok")

        async def told() -> bool:
            check = await look()
            return bool(check["result"] == "fault" and found in check["found"] and advice in check["advice"])

        await until(well, "every partition to have an owner")
        broken.error = error
        async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher:
            await publisher.publish([message(fields) for fields in life("A1")])
        await until(told, "doctor to say so")
        broken.error = None
        await until(well, "all to be well again")


async def test_a_stream_made_anew_is_a_fault_however_long_it_is(warren: Warren, run: Run) -> None:
    """Its figures would look like those of the old one."""
    messages = [message(fields) for number in range(20) for fields in life(f"A{number}")]
    async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher:
        await publisher.publish(messages)
    async with running_pipeline(run):
        await caught_up(run)
    assert (await warren("lag")).code == 0
    connection = await Connection.open(Address.parse(run.settings.stream_url), "test")
    await connection.request(lambda client: client.delete_super_stream("orders"))
    await connection.close()
    await create_super_stream(run.settings.stream_url, "orders", 4)
    async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher:
        await publisher.publish([*messages, *messages])
    answer = await warren("doctor", "--json")
    assert answer.code == 1
    found = _checks(answer)["pipeline"]
    assert found["result"] == "fault"
    assert "is not the one that was read up to offset" in found["found"]
    assert found["advice"].startswith("bring the old stream back")
    assert "a new pipeline version" in found["advice"]
    (await warren("lag")).failed(1, "is not the one that was read up to offset")


async def test_nothing_prepared_says_what_to_run(bare_warren: Warren) -> None:
    answer = await bare_warren("doctor", "--json")
    assert answer.code == 1
    checks = _checks(answer)
    assert checks["super stream"]["advice"] == "run `warren topology apply`"
    assert checks["tables"]["advice"] == "run `warren migrate`"
    assert checks["Redis"]["result"] == "ok"


async def test_servers_that_are_away_are_faults_each(lost_warren: Warren) -> None:
    answer = await lost_warren("doctor", "--json")
    assert answer.code == 1
    faults = [name for name, check in _checks(answer).items() if check["result"] == "fault"]
    assert faults == ["stream listener", "PostgreSQL", "Redis"]
    shown = await lost_warren("doctor")
    assert shown.code == 1
    assert shown.stdout.count("✗") == 3


async def test_a_setting_that_makes_no_sense_is_a_fault(lost_warren: Warren) -> None:
    lost_warren.environment["WARREN_BATCH_EVENTS"] = "0"
    answer = await lost_warren("doctor", "--json")
    assert answer.code == 2
    assert "WARREN_BATCH_EVENTS" in _checks(answer)["settings"]["found"]


async def test_another_number_of_partitions_is_a_fault(warren: Warren) -> None:
    warren.environment["WARREN_PARTITIONS"] = "8"
    assert _checks(await warren("doctor", "--json"))["super stream"]["advice"] == "set WARREN_PARTITIONS=4"


async def test_retention_is_a_warning(warren: Warren, run: Run) -> None:
    vhost = run.settings.stream_url.rsplit("/", 1)[1]
    policy = {"pattern": "^orders-1$", "definition": {"max-age": "7D"}, "apply-to": "streams"}
    async with httpx.AsyncClient(trust_env=False) as client:
        url = httpx.URL(run.settings.management_url)
        set_ = await client.put(url.copy_with(path=f"/api/policies/{vhost}/short"), json=policy)
        assert set_.is_success
    async with Management(run.settings) as management:

        async def in_force() -> bool:
            return bool(await management.retention("orders-1"))

        await until(in_force, "the policy to be in force")
    found = _checks(await warren("doctor", "--json"))["retention"]
    assert found["result"] == "warning"
    assert "set on orders-1:" in found["found"]


async def test_less_durability_than_promised_is_a_warning(warren: Warren, run: Run) -> None:
    connection = await run.connect()
    name = await connection.fetchval("SELECT current_database()")
    await connection.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
    await connection.close()
    found = _checks(await warren("doctor", "--json"))["durability"]
    assert found["result"] == "warning"
    assert "synchronous_commit off" in found["found"]


async def test_a_month_without_its_partition_is_a_warning(warren: Warren, run: Run) -> None:
    connection: asyncpg.Connection = await run.connect()
    month = await connection.fetchval("SELECT 'timeline' || to_char(now() AT TIME ZONE 'UTC', '_YYYY_MM')")
    await connection.execute(f"DROP TABLE {month}")
    await connection.close()
    found = _checks(await warren("doctor", "--json"))["months ahead"]
    assert found["result"] == "warning"
    assert month in found["found"]


@pytest.mark.parametrize(("version", "result"), [("3.10.8", "fault"), ("3.13.7", "ok"), ("4.0.5", "ok")])
def test_an_old_broker_is_a_fault(version: str, result: str) -> None:
    assert broker.version_finding(version).result == result


@pytest.mark.parametrize(("version", "result"), [(130_014, "fault"), (140_000, "ok"), (170_006, "ok")])
def test_an_old_database_is_a_fault(version: int, result: str) -> None:
    assert database.version_finding(version).result == result


@pytest.mark.parametrize(
    ("ahead", "result"), [(0.0, Result.OK), (1.9, Result.OK), (2.6, Result.WARNING), (-3.0, Result.WARNING)]
)
def test_clocks_that_differ_are_a_warning(ahead: float, result: Result) -> None:
    asked = datetime(2026, 3, 1, tzinfo=UTC)
    answered = asked + timedelta(seconds=0.5)
    assert database.clocks_finding(asked, asked + timedelta(seconds=ahead), answered).result is result
