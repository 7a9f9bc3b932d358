"""One table of exit codes: what the code says, the help and the README say too."""

from __future__ import annotations

import re
from pathlib import Path

from typer.testing import CliRunner

from cli.exit_codes import MEANINGS
from cli.main import app

README = Path(__file__).parents[2] / "README.md"


def test_the_readme_has_the_table() -> None:
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", README.read_text(), re.MULTILINE)
    assert {int(code): meaning for code, meaning in rows} == MEANINGS


def test_the_help_has_all_of_them() -> None:
    said = " ".join(CliRunner().invoke(app, ["--help"]).stdout.replace("│", " ").split())
    for code, meaning in MEANINGS.items():
        assert f"{code} {meaning}" in said
