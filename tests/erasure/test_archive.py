"""What has left for the archive: written anew without the customer, whatever ends it on the way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipelines.edges.archive.checking import check_archive
from pipelines.edges.archive.month import Month
from pipelines.edges.archive.progress import nobody
from pipelines.edges.erasure import files
from pipelines.engine.settings import Settings
from tests.archive.support import SMALL, VIEWS, come_back, leave
from tests.archive.test_audit import LATER, kinds
from tests.archive.test_killed import Broken, failing_at
from tests.audit.stores import SOUND, Stores, commit, publish
from tests.erasure.shop import IVAN, IVANS, MARIA, erase, named, naming
from tests.support.runs import Run


@pytest.fixture(autouse=True)
def _small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name, number in SMALL:
        monkeypatch.setattr(module, name, number)


@pytest.fixture
async def archived(stores: Stores, tmp_path: Path) -> Settings:
    """Settings with an archive that has all the events."""
    (tmp_path / "archive").mkdir()
    settings = stores.settings.model_copy(update={"archive_url": str(tmp_path / "archive")})
    await leave(settings, now=LATER)
    assert await stores.connection.fetchval("SELECT count(*) FROM timeline") == 0
    return settings


def in_files(settings: Settings, customer: str = IVAN) -> list[str]:
    """Return the columns of the archive's rows that have the customer's id, by file."""
    found = []
    for file in sorted(Path(str(settings.archive_url)).rglob("*.parquet")):
        for row in pq.read_table(file).to_pylist():
            found += [f"{file.parent.name}/{name}" for name, value in row.items() if says(value, customer)]
    return found


def says(value: Any, customer: str) -> bool:
    """Whether a value has the id, in whichever spelling."""
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    return customer in text or f"\\u0069{customer[1:]}" in text


async def clean(settings: Settings, stores: Stores) -> bool:
    """Whether the files are those that were written, and the audit finds every row of them as it must be."""
    checked = await check_archive(settings, VIEWS, nobody)
    assert [line for one in checked for line in one.wrong] == []
    report = await Stores(settings, stores.connection).audit()
    return not kinds(report)


async def test_the_files_are_written_anew_without_him(archived: Settings, stores: Stores) -> None:
    assert len(in_files(archived)) >= 8
    of_maria = len(in_files(archived, MARIA))
    done = await erase(archived)
    assert (done.finished, done.orders) == (True, len(IVANS))
    assert {month.split()[1] for month in done.months} == {"timeline", "orders"}
    assert in_files(archived) == []
    assert 0 < len(in_files(archived, MARIA)) < of_maria, "what was Maria's in his orders is gone as well"
    assert await naming(stores.connection) == []
    assert await clean(archived, stores)
    assert (await erase(archived)).months == []


class Stop(Exception):
    """What ends it."""


def stopping(at: int, real: Callable[..., Any]) -> Callable[..., Any]:
    """Return `real`, raising at its so-manieth call, counted from 0, after that has done its work."""
    calls = iter(range(1000))

    def called(*arguments: Any) -> Any:
        made = real(*arguments)
        if next(calls) == at:
            raise Stop
        return made

    return called


@pytest.mark.parametrize(("function", "call"), [("write", 0), ("compare", 0), ("clear", 0), ("write", 1)])
async def test_ended_anywhere_it_goes_on(
    archived: Settings, stores: Stores, monkeypatch: pytest.MonkeyPatch, function: str, call: int
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(files, function, stopping(call, getattr(files, function)))
        with pytest.raises(Stop):
            await erase(archived)
    assert await clean(archived, stores), "what counts was whole all the time"
    assert await stores.connection.fetchval("SELECT finished_at FROM warren.erased") is None
    assert (await erase(archived)).finished
    assert in_files(archived) == []
    assert await clean(archived, stores)


async def test_a_month_that_comes_back_has_nothing_of_him_either(archived: Settings, stores: Stores) -> None:
    await erase(archived)
    for month in await stores.connection.fetch("SELECT DISTINCT month FROM archived_months"):
        await come_back(archived, Month.of(month["month"]))
    assert await stores.connection.fetchval("SELECT count(*) FROM timeline") > 0
    assert await naming(stores.connection) == []
    await leave(archived, now=LATER)
    assert in_files(archived) == []
    assert await clean(archived, stores)


async def test_what_a_restore_that_was_ended_left_aside_goes(archived: Settings, stores: Stores) -> None:
    months = await stores.connection.fetch("SELECT DISTINCT month FROM archived_months WHERE dataset = 'timeline'")
    with pytest.raises(Broken):
        await come_back(archived, Month.of(months[0]["month"]), failing_at(3, []))
    aside = "SELECT count(*) FROM pg_class WHERE relname LIKE 'restored_timeline%' AND relkind = 'r'"
    assert await stores.connection.fetchval(aside) == 1
    assert (await erase(archived)).finished
    assert await stores.connection.fetchval(aside) == 0
    assert await naming(stores.connection) == []
    assert await clean(archived, stores)


async def test_files_of_a_month_that_has_come_back_are_named_and_nothing_is_called_finished(
    archived: Settings, stores: Stores
) -> None:
    months = [Month.of(r["month"]) for r in await stores.connection.fetch("SELECT DISTINCT month FROM archived_months")]
    for month in months:
        await come_back(archived, month)
    done = await erase(archived)
    assert (done.finished, len(done.leftover)) == (False, 2 * len(months))
    for folder in done.leftover:
        for file in (Path(str(archived.archive_url)) / folder).iterdir():
            file.unlink()
    assert (await erase(archived)).finished


async def test_what_a_late_event_makes_his_is_taken_out_of_the_archive_next_time(
    archived: Settings, stores: Stores, shop: Run
) -> None:
    """The event takes effect on a finished order whose months have left. The audit knows until then, too."""
    await erase(archived)
    await publish(shop.settings, [named("M2", IVAN, event_id="late")])
    await commit(archived, SOUND())
    assert in_files(archived, "part.stl") != []
    assert not await clean(archived, stores)
    assert (await erase(archived)).finished
    assert in_files(archived, "part.stl") == []
    assert await clean(archived, stores)
