"""The audit proves archived months as it proves live ones. Events are recorded now, so months are archived by a clock
that is ahead."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cli.localservers import Addresses, unique_run_name
from pipelines.audit import AuditImpossible, AuditReport, Kind, audit
from pipelines.edges.archive.datasets import TIMELINE
from pipelines.edges.archive.month import Month
from pipelines.engine.settings import Settings
from tests.archive.support import NOW, leave, month_of
from tests.audit.stores import FIGURES, PARTITIONS, SOUND, Stores, commit, copy_of, fill
from tests.support.runs import Run, fresh_run

LATER = NOW + timedelta(days=130)
"""By then all that is recorded now may leave."""


@pytest.fixture(scope="module")
async def base(servers: Addresses) -> AsyncIterator[Run]:
    """A run whose stores hold a bit of everything."""
    async with fresh_run(servers, partitions=PARTITIONS) as run:
        await fill(run.settings)
        yield run


@pytest.fixture
async def stores(base: Run) -> AsyncIterator[Stores]:
    """A copy of its database."""
    async with copy_of(base, unique_run_name("archive")) as copy:
        yield copy


@pytest.fixture
async def archived(stores: Stores, folder: Path) -> Settings:
    """Its settings, with every event that took effect in the archive."""
    settings = stores.settings.model_copy(update={"archive_url": str(folder)})
    # What waits keeps its month in the database, so it is taken for recorded later; the audit does not look at that.
    await stores.connection.execute("UPDATE parked SET recorded_at = recorded_at + interval '200 days'")
    await commit(settings, SOUND())
    states = await leave(settings, now=LATER)
    assert {state.state for state in states} == {"archived"}
    return settings


def kinds(report: AuditReport) -> set[Kind]:
    """Return what was found, but for what the stock holds by design: an id was used twice."""
    return {finding.kind for finding in report.findings} - {Kind.REUSED_ID}


async def test_it_is_as_clean_behind_as_before(base: Run, archived: Settings, stores: Stores) -> None:
    before = await audit(base.settings)
    assert before.clean
    assert await stores.connection.fetchval("SELECT count(*) FROM timeline") == 0
    assert await stores.connection.fetchval("SELECT count(*) FROM closed_orders") == 0
    after = await audit(archived)
    assert after.clean, after.findings
    assert (after.applied, after.parked, after.pending) == (before.applied + FIGURES["pending"], before.parked, 0)


Change = Callable[[pa.Table], pa.Table]


def rewrite(folder: Path, change: Change) -> None:
    """Alter a month's first file, and its manifest, so that no digest tells."""
    month = month_of(folder, month=Month.of(NOW))
    file = month / "part-00000.parquet"
    pq.write_table(change(pq.read_table(file)).cast(TIMELINE.schema), file)
    manifest = orjson.loads((month / "manifest.json").read_bytes())
    manifest["files"][0]["sha256"] = hashlib.sha256(file.read_bytes()).hexdigest()
    (month / "manifest.json").write_bytes(orjson.dumps(manifest))


def _with(name: str, value: object) -> Change:
    def change(table: pa.Table) -> pa.Table:
        values = table[name].to_pylist()
        values[3] = value
        return table.set_column(table.schema.names.index(name), name, pa.array(values, table.schema.field(name).type))

    return change


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (_with("stage", "shipped"), Kind.STAGE),
        (_with("body", b"{}"), Kind.TIMELINE_ROW),
        (_with("trace_id", None), Kind.TIMELINE_ROW),
        (_with("event_id", "x"), Kind.TIMELINE_ROW),
        (_with("identity", b"\1" * 16), Kind.TIMELINE_MISSING),
        (_with("order_no", 10**9), Kind.TIMELINE_PHANTOM),
        (lambda table: table.slice(1), Kind.TIMELINE_MISSING),
        (lambda table: pa.concat_tables([table, table.slice(2, 1)]), Kind.TIMELINE_DOUBLED),
    ],
    ids=["stage", "body", "trace", "id", "identity", "order", "a row less", "a row twice"],
)
async def test_an_altered_row_is_found(archived: Settings, folder: Path, change: Change, kind: Kind) -> None:
    rewrite(folder, change)
    report = await audit(archived)
    assert kind in kinds(report)
    assert not report.clean


async def test_a_file_that_is_gone_is_so_many_missing_rows(archived: Settings, folder: Path) -> None:
    (month_of(folder, month=Month.of(NOW)) / "part-00001.parquet").unlink()
    report = await audit(archived)
    missing = [finding for finding in report.findings if finding.kind is Kind.TIMELINE_MISSING]
    assert len(missing) == 8


def _away(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))


def _no_month(folder: Path) -> None:
    shutil.rmtree(month_of(folder, month=Month.of(NOW)))


def _broken(folder: Path) -> None:
    (month_of(folder, month=Month.of(NOW)) / "part-00000.parquet").write_bytes(b"PAR1")


@pytest.mark.parametrize("spoil", [_away, _no_month, _broken])
async def test_an_archive_that_cannot_be_read_proves_nothing(
    archived: Settings, folder: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(folder)
    with pytest.raises(AuditImpossible, match="cannot be read"):
        await audit(archived)


async def test_an_archive_that_nobody_names_proves_nothing(archived: Settings) -> None:
    with pytest.raises(AuditImpossible, match="WARREN_ARCHIVE_URL is not set"):
        await audit(archived.model_copy(update={"archive_url": None}))


async def test_archived_orders_are_checked_like_finished_ones(archived: Settings, stores: Stores) -> None:
    await stores.connection.execute("UPDATE archived_orders SET price_amount = 1 WHERE order_id = 'A1'")
    report = await audit(archived)
    assert [(f.order_id, f.detail.split()[0]) for f in report.findings if f.kind is Kind.PRICE] == [
        ("A1", "archived_orders")
    ]
    await stores.connection.execute("DELETE FROM archived_orders WHERE order_id = 'A1'")
    assert kinds(await audit(archived)) == {Kind.ORDER_MISSING, Kind.COUNTS}
