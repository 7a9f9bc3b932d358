"""What docs/archive.md shows works."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from pipelines.engine.settings import Settings
from tests.archive.support import OLD, fill, leave
from tests.support.runs import Run

PAGE = (Path(__file__).parents[2] / "docs" / "archive.md").read_text()


async def test_the_files_can_be_read_as_the_page_says(
    run: Run, archiving: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(run)
    await leave(archiving)
    monkeypatch.chdir(folder)
    (query,) = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
    rows = duckdb.connect().execute(query.replace("2026-03", str(OLD))).fetchall()
    assert sum(events for _, events, _ in rows) == 17
    assert {stage for stage, _, _ in rows} >= {"closed", "initiated", "shipped"}


def test_the_page_names_the_settings_as_they_are() -> None:
    fields = Settings.model_fields
    assert f"`WARREN_ARCHIVE_AFTER_MONTHS` ({fields['archive_after_months'].default})" in PAGE
    assert "WARREN_ARCHIVE_URL" in PAGE
