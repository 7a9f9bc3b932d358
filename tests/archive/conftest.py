"""Small files, so that a handful of rows fills several."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.engine.settings import Settings
from tests.archive.support import SMALL, settings_of
from tests.support.runs import Run


@pytest.fixture(autouse=True)
def _small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name, number in SMALL:
        monkeypatch.setattr(module, name, number)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the archive is."""
    made = tmp_path / "archive"
    made.mkdir()
    return made


@pytest.fixture
def archiving(run: Run, folder: Path) -> Settings:
    """The run's settings, with an archive in `folder`."""
    return settings_of(run, folder)
