"""The same on S3, by a server on this machine."""

from __future__ import annotations

import io
from collections.abc import Iterator

import boto3
import httpx
import pyarrow.parquet as pq
import pytest
from moto.server import ThreadedMotoServer

from pipelines.audit import audit
from pipelines.edges.archive.checking import check_archive
from pipelines.edges.archive.errors import ArchiveAway
from pipelines.edges.archive.progress import Step, nobody
from pipelines.edges.erasure.erasing import erase
from pipelines.engine.settings import Settings
from tests.archive.support import CLOSED, OLD, VIEWS, all_rows, come_back, fill, leave, settings_of
from tests.board.support import asked
from tests.support.runs import Run

BUCKET = "orders-archive"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadedMotoServer]:
    """An S3 server with a bucket, where the usual variables lead."""
    running = ThreadedMotoServer("127.0.0.1", 0)
    running.start()
    host, port = running.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    httpx.post(f"http://{host}:{port}/moto-api/reset")  # its objects are the process's
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    yield running
    running.stop()


@pytest.fixture
def on_s3(run: Run, server: ThreadedMotoServer) -> Settings:
    """The run's settings, with an archive there."""
    return settings_of(run, f"s3://{BUCKET}/warren")


def keys() -> set[str]:
    """Return what is in the bucket."""
    return {one["Key"] for one in boto3.client("s3").list_objects_v2(Bucket=BUCKET).get("Contents", [])}


async def test_there_and_back(run: Run, on_s3: Settings) -> None:
    await fill(run)
    connection = await run.connect()
    before = await all_rows(connection)
    await leave(on_s3)
    assert {key for key in keys() if f"timeline/{OLD}" in key} == {
        f"warren/views_v1/timeline/{OLD}/{name}"
        for name in ("manifest.json", "part-00000.parquet", "part-00001.parquet", "part-00002.parquet")
    }
    assert all(not one.wrong for one in await check_archive(on_s3, VIEWS, nobody))
    async with asked(on_s3) as board:
        answer = await board.json(f"/api/orders/{CLOSED}")
        assert (answer["missing"], len(answer["timeline"])) == (0, 11)
    await come_back(on_s3)
    assert await all_rows(connection) == before
    assert await leave(on_s3)
    await connection.close()


async def test_an_erased_customers_months_are_written_anew(run: Run, on_s3: Settings) -> None:
    await fill(run)
    await leave(on_s3)
    before = keys()
    done = await erase(on_s3, "c1", "ada", lambda _: None, dry_run=False)
    assert (done.finished, done.leftover, set(done.months)) == (True, [], {f"{OLD} timeline", f"{OLD} orders"})
    assert not any(f"/{OLD}/" in key for key in keys())
    assert {key.replace(f"{OLD}~1", str(OLD)) for key in keys()} == before
    bodies = [boto3.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys() if "part" in key]
    rows = [row for body in bodies for row in pq.read_table(io.BytesIO(body)).to_pylist()]
    assert len(rows) > 10
    assert not any('"c1"' in str(row) or row.get("customer_id") == "c1" for row in rows)
    assert all(not one.wrong for one in await check_archive(on_s3, VIEWS, nobody))


async def test_what_ended_in_the_middle_of_a_file_is_not_there(run: Run, on_s3: Settings) -> None:
    await fill(run)

    def told(step: Step) -> None:
        if step.name == "written":
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await leave(on_s3, told)
    assert keys() == set()
    assert await leave(on_s3)


async def test_a_spoilt_object_is_named(run: Run, on_s3: Settings) -> None:
    await fill(run)
    await leave(on_s3)
    key = f"warren/views_v1/timeline/{OLD}/part-00001.parquet"
    boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=b"PAR1")
    (wrong,) = [line for one in await check_archive(on_s3, VIEWS, nobody) for line in one.wrong]
    assert wrong.startswith(key.removeprefix("warren/"))
    boto3.client("s3").delete_object(Bucket=BUCKET, Key=key)
    (wrong,) = [line for one in await check_archive(on_s3, VIEWS, nobody) for line in one.wrong]
    assert "is missing" in wrong


async def test_a_store_that_is_away_changes_nothing(run: Run, on_s3: Settings, server: ThreadedMotoServer) -> None:
    await fill(run)
    server.stop()
    connection = await run.connect()
    before = await all_rows(connection)
    with pytest.raises(ArchiveAway, match="does not answer"):
        await leave(on_s3)
    assert await all_rows(connection) == before
    await connection.close()


async def test_a_bucket_that_is_not_there_is_said(run: Run, server: ThreadedMotoServer) -> None:
    await fill(run)
    with pytest.raises((ArchiveAway), match="bucket"):
        await leave(settings_of(run, "s3://no-such-bucket/warren"))


async def test_the_audit_reads_it_there(run: Run, on_s3: Settings) -> None:
    report = await audit(on_s3)
    assert report.clean
