"""The settings that are tried here are those that people are told."""

from __future__ import annotations

from tests.board.behind.nginx import DOCUMENTED


def test_the_settings_in_the_documents_are_those_tried() -> None:
    document = DOCUMENTED.parents[2] / "docs" / "dashboard.md"
    assert f"```nginx\n{DOCUMENTED.read_text()}```\n" in document.read_text()
