"""`warren archive`: what it prints, how it ends, and what it says where it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.localservers import Addresses
from pipelines.edges.archive import working
from tests.archive.support import OLD, YOUNG, fill, month_of
from tests.cli.support import AWAY, Warren, environment_of
from tests.support.runs import Run, fresh_run


@pytest.fixture
async def warren(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Warren:
    """The command, with an archive and months that may leave."""
    await fill(run)
    return Warren(environment_of(run) | {"WARREN_ARCHIVE_URL": str(folder)}, monkeypatch)


async def test_a_month_there_and_back(warren: Warren) -> None:
    plan = await warren("archive", "run", "--dry-run")
    assert f"{OLD} timeline: would leave" in plan.stdout
    assert {state["state"] for state in (await warren("archive", "status", "--json")).json} == {"live", "waiting"}
    left = (await warren("archive", "run", "--json")).json
    assert [(one["month"], one["dataset"], one["rows"]) for one in left["left"]][:2] == [
        (str(OLD), "timeline", 17), (str(OLD), "orders", 1),
    ]  # fmt: skip
    assert (left["waiting"], left["dry_run"]) == ([], False)
    assert (await warren("archive", "run")).stdout == "Nothing is old enough to leave.\n"
    states = {(one["month"], one["dataset"]): one for one in (await warren("archive", "status", "--json")).json}
    assert states[str(OLD), "timeline"]["state"] == "archived"
    assert states[str(YOUNG), "timeline"]["state"] == "live"
    assert "archived" in (await warren("archive", "status")).words
    checked = await warren("archive", "verify")
    assert (checked.code, checked.stdout) == (0, "Clean: 4 months of timeline and orders, 18 rows.\n")
    back = await warren("archive", "restore", str(OLD))
    assert f"{OLD} timeline: back in the database, 17 rows; its files stay" in back.stdout
    assert (await warren("archive", "restore", str(OLD.plus(1)), "--json")).json["month"] == str(OLD.plus(1))
    assert {state["state"] for state in (await warren("archive", "status", "--json")).json} == {"live", "waiting"}


async def test_verify_names_what_is_wrong_and_ends_with_1(warren: Warren, folder: Path) -> None:
    await warren("archive", "run")
    (month_of(folder) / "part-00000.parquet").write_bytes(b"PAR1")
    answer = await warren("archive", "verify", "--json")
    assert (answer.code, answer.json["clean"]) == (1, False)
    shown = await warren("archive", "verify")
    assert shown.stdout.startswith(
        f"{OLD} timeline: views_v1/timeline/{OLD}/part-00000.parquet is not as it was written"
    )
    assert "1 files are not as they were written" in shown.stdout
    (await warren("archive", "restore", str(OLD))).failed(1, "part-00000.parquet")


async def test_what_keeps_it_is_one_line_that_says_what_to_do(warren: Warren, folder: Path) -> None:
    url = warren.environment.pop("WARREN_ARCHIVE_URL")
    (await warren("archive", "run")).failed(2, "WARREN_ARCHIVE_URL is not set")
    warren.environment["WARREN_ARCHIVE_URL"] = str(folder / "nowhere")
    (await warren("archive", "run")).failed(3, "is not there; make or mount it, or mend WARREN_ARCHIVE_URL")
    warren.environment["WARREN_ARCHIVE_URL"] = "nothing://x"
    (await warren("archive", "run")).failed(2, "WARREN_ARCHIVE_URL")
    warren.environment["WARREN_ARCHIVE_URL"] = url
    (await warren("archive", "restore", "march")).failed(2, "write it like 2026-03")
    (await warren("archive", "restore", str(OLD))).failed(1, "is not in the archive; see `warren archive status`")
    (await warren("archive", "run", "--instance", "views")).failed(2, "write it like views@1")
    warren.environment["WARREN_ARCHIVE_AFTER_MONTHS"] = "0"
    (await warren("archive", "run")).failed(2, "WARREN_ARCHIVE_AFTER_MONTHS")


async def test_servers_that_are_away(warren: Warren) -> None:
    stream = warren.environment["WARREN_STREAM_URL"]
    warren.environment["WARREN_STREAM_URL"] = AWAY["WARREN_STREAM_URL"]
    (await warren("archive", "run")).failed(3, "WARREN_STREAM_URL")
    warren.environment |= {"WARREN_STREAM_URL": stream, "WARREN_POSTGRES_DSN": AWAY["WARREN_POSTGRES_DSN"]}
    for verb in (["run"], ["status"], ["verify"], ["restore", str(OLD)]):
        (await warren("archive", *verb)).failed(3, "PostgreSQL does not answer")


async def test_a_database_without_tables(servers: Addresses, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with fresh_run(servers, prepared=False) as bare:
        warren = Warren(environment_of(bare) | {"WARREN_ARCHIVE_URL": str(folder)}, monkeypatch)
        for verb in (["run"], ["status"], ["verify"], ["restore", str(OLD)]):
            (await warren("archive", *verb)).failed(1, "warren migrate")


async def test_who_holds_a_table_is_named(warren: Warren, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working, "PATIENCE_SECONDS", 1.0)
    holder = await run.connect()
    async with holder.transaction():
        await holder.execute("SELECT count(*) FROM timeline")
        pid = await holder.fetchval("SELECT pg_backend_pid()")
        (await warren("archive", "run")).failed(1, f"'warren test', pid {pid}, has held", "let that end")
        states = (await warren("archive", "status", "--json")).json
        assert "archived" not in {state["state"] for state in states}
    await holder.close()
    assert (await warren("archive", "run")).code == 0
