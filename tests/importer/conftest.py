"""Fixtures of the importer's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.importer import olist


@pytest.fixture(scope="session")
def truth() -> Iterator[olist.Truth]:
    """What the Olist files say, by DuckDB; skips where they are absent."""
    if not olist.FOLDER.is_dir():
        pytest.skip(olist.ABSENT)
    found = olist.Truth()
    yield found
    found.close()
