"""How tables and lines look where nobody's terminal has an edge."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from cli.output import cell, err, out, table
from tests.cli.support import Warren
from tests.support.runs import Run

LONG = "a reason that goes on and on " * 20


def _printed(kind: type[Console], *, terminal: bool) -> list[str]:
    written = io.StringIO()
    console = kind(file=written, force_terminal=terminal, color_system=None)
    shown = table("Title", "One", "Two")
    shown.add_row(cell(LONG), cell("two"))
    console.print(shown)
    console.print(LONG)
    return written.getvalue().splitlines()


@pytest.mark.parametrize("kind", [type(out), type(err)])
@pytest.mark.parametrize("columns", ["40", ""])
def test_a_pipe_gets_each_row_on_one_line(monkeypatch: pytest.MonkeyPatch, kind: type[Console], columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    title, _, _, _, row, _, text = _printed(kind, terminal=False)
    assert title.strip() == "Title"
    assert LONG.strip() in row
    assert text.strip() == LONG.strip()


@pytest.mark.parametrize("kind", [type(out), type(err)])
def test_a_terminal_is_not_written_beyond_its_edge(monkeypatch: pytest.MonkeyPatch, kind: type[Console]) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    assert max(map(len, _printed(kind, terminal=True))) <= 40


async def test_a_commands_table_has_a_line_for_each_row(warren: Warren, run: Run) -> None:
    lines = (await warren("topology", "show")).stdout.splitlines()
    assert [line.split()[1] for line in lines if "orders-" in line] == [
        f"orders-{partition}" for partition in range(run.settings.partitions)
    ]
