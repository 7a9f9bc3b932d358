"""Logs are read from the end, and followed across the point where they are put aside."""

from pathlib import Path

from cli.localservers.logs import ROTATE_AT, LogFiles, last_lines, open_log


def test_the_last_lines_that_say_something(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert last_lines(log, 3) == []
    log.write_text("one\n\ntwo\nthree\n\n")
    assert last_lines(log, 2) == ["two", "three"]
    assert last_lines(log, 0) == []


def test_new_lines_are_followed_and_unfinished_ones_wait(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("old\n")
    lines = LogFiles({"redis": log}).follow(["redis"])
    with log.open("a") as file:
        file.write("new\nhalf")
    assert next(lines) == ("redis", "new")
    with log.open("a") as file:
        file.write(" done\n")
    assert next(lines) == ("redis", "half done")
    log.write_text("x\n")
    assert next(lines) == ("redis", "x")


def test_a_large_log_is_put_aside(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "log"
    open_log(log)
    with log.open("wb") as file:
        file.truncate(ROTATE_AT + 1)
    open_log(log)
    assert not log.exists()
    assert log.with_name("log.1").exists()
