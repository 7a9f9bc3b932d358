"""The last resort: what nobody foresaw is one line, and its exit code means nothing else."""

from __future__ import annotations

import pytest

from cli import main


def _fail(**_: object) -> None:
    raise ValueError("out of\nthe \x1b[31mblue")


def test_a_defect_is_one_line_with_an_exit_code_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(main, "app", _fail)
    monkeypatch.delenv("WARREN_TRACEBACK", raising=False)
    with pytest.raises(SystemExit) as end:
        main.main()
    assert end.value.code == 70
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        "warren: unexpected ValueError: out of the \\x1b[31mblue; a defect in Warren: "
        "run again with WARREN_TRACEBACK=1 and report it\n"
    )


def test_its_traceback_is_shown_to_who_asks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(main, "app", _fail)
    monkeypatch.setenv("WARREN_TRACEBACK", "1")
    with pytest.raises(SystemExit) as end:
        main.main()
    assert end.value.code == 70
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("Traceback")
    assert lines[-1].startswith("warren: unexpected ValueError")
