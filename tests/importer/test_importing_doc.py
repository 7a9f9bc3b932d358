"""docs/importing.md does what it says."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

import orjson
import pytest
import typer
from typer.testing import CliRunner

from cli.importer import import_command
from pipelines.edges.importer import CsvTables, import_orders, load_mapping

DOC = (Path(__file__).parents[2] / "docs" / "importing.md").read_text()


def block(language: str) -> str:
    """Return the text of the only block of that language."""
    [text] = re.findall(rf"^```{language}\n(.*?)^```", DOC, re.MULTILINE | re.DOTALL)
    return str(text)


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example's files in the working directory."""
    monkeypatch.chdir(tmp_path)
    files = re.findall(r'^```\w+ title="([\w.]+)"\n(.*?)^```', DOC, re.MULTILINE | re.DOTALL)
    assert [name for name, _ in files] == ["orders.csv", "positions.csv", "history.csv", "gearworks.toml"]
    for name, text in files:
        Path(name).write_text(text)


def test_the_command_prints_what_the_page_shows(example: None) -> None:
    command, *shown = block("console").splitlines()
    app = typer.Typer()
    app.command()(import_command)
    result = CliRunner().invoke(app, shlex.split(command.removeprefix("$ warren import ")))
    assert (result.stderr + result.stdout).splitlines() == shown
    assert result.exit_code == 1


async def test_the_events_are_those_the_page_shows(example: None) -> None:
    bodies: list[bytes] = []

    async def publish(batch: Sequence[bytes]) -> None:
        bodies.extend(batch)

    mapping = load_mapping(Path("gearworks.toml"))
    tables = CsvTables([Path("orders.csv"), Path("positions.csv"), Path("history.csv")], mapping.csv)
    await import_orders(mapping, tables, publish, on_reject=lambda _: None, on_progress=lambda _: None)
    events = [fields for body in bodies if (fields := orjson.loads(body))["subject"] == "G-1001"]
    assert [[event["time"], event["type"], event["id"]] for event in events] == [
        line.split() for line in block("text").splitlines()
    ]
    assert events[1] == json.loads(block("json"))
