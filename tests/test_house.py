"""The house stands where it should: our packages are ours, and the documents speak of what there is."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("name", ["schemas", "processors", "pipelines", "cli", "dashboards", "benchmarks"])
def test_a_package_of_ours_is_not_somebody_elses(name: str) -> None:
    """The names are short, and another distribution could take them."""
    assert Path(str(importlib.import_module(name).__file__)).is_relative_to(ROOT)


def _commands() -> list[str]:
    found = set()
    for document in DOCUMENTS:
        for block in re.findall(r"```[a-z]*\n(.*?)```", document.read_text(), re.DOTALL):
            for call in re.findall(r"(?:^|\| |/)warren ((?:[a-z]+ ?){1,2})", block, re.MULTILINE):
                found.add(call.strip())
        found |= {
            call.strip() for call in re.findall(r"`(?:\.venv/bin/)?warren ((?:[a-z]+ ?){1,2})", document.read_text())
        }
    return sorted(found)


def test_every_command_the_documents_name_exists() -> None:
    from typer.main import get_command

    from cli.main import app

    commands = _commands()
    assert len(commands) > 10
    root = get_command(app)
    for call in commands:
        first, *rest = call.split()
        command = root.commands.get(first)  # type: ignore[attr-defined]
        assert command is not None, call
        if rest and hasattr(command, "commands"):
            assert rest[0] in command.commands, call


def test_every_link_between_documents_leads_somewhere() -> None:
    broken = [
        (document.name, target)
        for document in DOCUMENTS
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text())
        if not (document.parent / target).exists()
    ]
    assert broken == []


def test_the_lock_bears_hashes_and_no_addresses() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert "://" not in lock
    assert all("--hash=sha256:" in block for block in re.split(r"\n(?=\S)", lock.strip()))


def test_no_file_is_longer_than_a_reader_can_hold_in_mind() -> None:
    tracked = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True)
    long = {
        name: lines for name in tracked.stdout.split() if (lines := len((ROOT / name).read_text().splitlines())) > 400
    }
    assert long == {}


def test_the_command_starts_without_loading_what_only_some_verbs_need() -> None:
    heavy = (
        "import sys, cli.main; sys.exit(any(name in sys.modules for name in "
        "('faststream', 'sqlalchemy', 'duckdb', 'pyarrow', 'fsspec', 'adbc_driver_manager')))"
    )
    assert subprocess.run([sys.executable, "-c", heavy], cwd=ROOT, check=False).returncode == 0
