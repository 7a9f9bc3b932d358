"""`verify` reads everything anew, and names the file and the month of whatever is not as it was written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.edges.archive.checking import Checked, check_archive
from pipelines.edges.archive.datasets import TIMELINE
from pipelines.edges.archive.errors import ArchiveDamaged, ArchiveError
from pipelines.edges.archive.month import Month
from pipelines.edges.archive.progress import Step, nobody
from pipelines.edges.archive.store import Store
from pipelines.edges.archive.verifying import check_files, load_manifest
from pipelines.edges.archive.writing import write
from pipelines.engine.settings import Settings
from tests.archive.support import OLD, VIEWS, come_back, fill, leave, month_of
from tests.support.runs import Run


async def wrong(settings: Settings) -> list[tuple[str, Month, str]]:
    """Return what is wrong, a line each, with its dataset and month."""
    checked: list[Checked] = await check_archive(settings, VIEWS, nobody)
    return [(one.dataset, one.month, line) for one in checked for line in one.wrong]


async def test_what_was_just_written_is_right(run: Run, archiving: Settings) -> None:
    assert await wrong(archiving) == []
    await fill(run)
    await leave(archiving)
    checked = await check_archive(archiving, VIEWS, nobody)
    assert [(one.dataset, one.rows) for one in checked if one.month == OLD] == [("orders", 1), ("timeline", 17)]
    assert await wrong(archiving) == []


def _flip(file: Path) -> None:
    body = bytearray(file.read_bytes())
    body[len(body) // 3] ^= 1
    file.write_bytes(body)


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def _unlink(file: Path) -> None:
    file.unlink()


def _empty(file: Path) -> None:
    file.write_bytes(b"")


@pytest.mark.parametrize("dataset", ["timeline", "orders"])
@pytest.mark.parametrize("spoil", [_flip, _cut, _unlink, _empty])
async def test_a_spoilt_file_is_named(
    run: Run, archiving: Settings, folder: Path, dataset: str, spoil: Callable[[Path], None]
) -> None:
    await fill(run)
    await leave(archiving)
    spoil(month_of(folder, dataset) / "part-00000.parquet")
    ((found, month, line),) = await wrong(archiving)
    assert (found, month) == (dataset, OLD)
    assert line.startswith(f"views_v1/{dataset}/{OLD}/part-00000.parquet ")


@pytest.mark.parametrize("spoil", [_flip, _cut, _unlink, _empty])
async def test_a_spoilt_manifest_is_named(
    run: Run, archiving: Settings, folder: Path, spoil: Callable[[Path], None]
) -> None:
    await fill(run)
    await leave(archiving)
    spoil(month_of(folder) / "manifest.json")
    ((_, month, line),) = await wrong(archiving)
    assert month == OLD
    assert f"views_v1/timeline/{OLD}/manifest.json" in line
    with pytest.raises(ArchiveDamaged, match=r"manifest\.json"):
        await come_back(archiving)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda table: table.take([1, 0, *range(2, 8)]), "is not sorted"),
        (lambda table: table.slice(1), "has 7 rows, the manifest says 8"),
        (
            lambda table: table.set_column(
                2, TIMELINE.schema.field(2), pa.array([OLD.end] * 8, pa.timestamp("us", "UTC"))
            ),
            "has rows that are not of",
        ),
    ],
    ids=["sequence", "rows", "month"],
)
async def test_rows_are_looked_at_also_where_every_digest_is_right(
    run: Run, archiving: Settings, folder: Path, change: Callable[[pa.Table], pa.Table], said: str
) -> None:
    await fill(run)
    await leave(archiving)
    store, path = Store(str(folder)), f"views_v1/timeline/{OLD}"
    made = load_manifest(store, path)
    file = month_of(folder) / "part-00000.parquet"
    pq.write_table(change(pq.read_table(file)), file)
    entry = made.files[0].model_copy(update={"sha256": store.sha256(f"{path}/part-00000.parquet")})
    forged = made.model_copy(update={"files": (entry, *made.files[1:])})
    (line,) = check_files(store, path, TIMELINE, OLD, forged, nobody)
    assert said in line


async def test_a_month_that_was_written_wrongly_does_not_leave(
    run: Run, archiving: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(run)
    bodies: list[bytes] = []

    def lying(store: Store, path: str, *rest: object) -> object:
        made = write(store, path, *rest)  # type: ignore[arg-type]
        file = folder / path / "part-00000.parquet"
        table = pq.read_table(file)
        held = pa.array([None, *table["held_seconds"].to_pylist()[1:-1], -0.0], pa.float64())
        pq.write_table(table.set_column(12, TIMELINE.schema.field(12), held), file)
        entry = made.files[0].model_copy(update={"sha256": store.sha256(f"{path}/part-00000.parquet")})
        forged = made.model_copy(update={"files": (entry, *made.files[1:])})
        (folder / path / "manifest.json").write_bytes(forged.to_bytes())
        bodies.append(forged.to_bytes())
        return forged

    monkeypatch.setattr("pipelines.edges.archive.leaving.write", lying)
    with pytest.raises(ArchiveDamaged, match="the files differ from the database between row 4 and 8"):
        await leave(archiving)
    assert bodies
    connection = await run.connect()
    assert await connection.fetchval("SELECT count(*) FROM timeline WHERE recorded_at < $1", OLD.end) == 17
    await connection.close()


async def test_another_archive_of_the_month_is_not_written_over(run: Run, archiving: Settings, folder: Path) -> None:
    await fill(run)
    await leave(archiving)
    await come_back(archiving)
    manifest = orjson.loads((month_of(folder) / "manifest.json").read_bytes())
    connection = await run.connect()
    await connection.execute("UPDATE timeline SET trace_id = 'x' WHERE recorded_at < $1", OLD.end)
    with pytest.raises(ArchiveError, match="has another archive"):
        await leave(archiving)
    assert orjson.loads((month_of(folder) / "manifest.json").read_bytes()) == manifest
    await connection.close()


async def test_what_an_attempt_left_is_used_again_or_thrown_away(run: Run, archiving: Settings, folder: Path) -> None:
    await fill(run)
    leftovers = month_of(folder)
    leftovers.mkdir(parents=True)
    (leftovers / "part-00007.parquet").write_bytes(b"half a file")
    (leftovers / "part-00000.parquet.unfinished").write_bytes(b"half a file")
    await leave(archiving)
    assert sorted(file.name for file in leftovers.iterdir()) == [
        "manifest.json", "part-00000.parquet", "part-00001.parquet", "part-00002.parquet",
    ]  # fmt: skip
    await come_back(archiving)
    steps: list[Step] = []
    await leave(archiving, steps.append)
    assert "written" not in {step.name for step in steps if step.month == OLD and step.dataset == "timeline"}
