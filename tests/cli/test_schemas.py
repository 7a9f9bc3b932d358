"""`warren schemas export`, and that what is checked in is what it writes."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from cli.schemas import schema_texts
from schemas.orders import EVENTS
from tests.cli.support import Warren

CHECKED_IN = Path(__file__).parents[2] / "schemas" / "json"


def test_the_checked_in_schemas_are_up_to_date() -> None:
    found = {file.name: file.read_text() for file in CHECKED_IN.iterdir()}
    assert found == schema_texts(), "run `warren schemas export schemas/json`"


async def test_export_writes_the_envelope_money_and_every_event(lost_warren: Warren, tmp_path: Path) -> None:
    folder = tmp_path / "made" / "here"
    answer = await lost_warren("schemas", "export", str(folder), "--json")
    assert answer.code == 0
    names = {f"{name}.json" for name in ("envelope", "money", *EVENTS)}
    assert set(answer.json["files"]) == {file.name for file in folder.iterdir()} == names
    submitted = orjson.loads((folder / "order.submitted.v1.json").read_bytes())
    assert submitted["properties"]["type"]["const"] == "order.submitted.v1"
    assert submitted["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("arguments", [[], ["--json"]])
async def test_a_folder_that_cannot_be_made_is_one_line(
    lost_warren: Warren, tmp_path: Path, arguments: list[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    answer = await lost_warren("schemas", "export", str(tmp_path / "file"), *arguments)
    answer.failed(1, "file: File exists")
