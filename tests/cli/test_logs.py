"""What a long-running command logs of an error: the way to it, and no values that were at hand there."""

from __future__ import annotations

import subprocess
import sys

import orjson
import pytest

FAILS = """
import logging, sys
from cli.logs import log_to_stderr

def connect(dsn):
    {}["no such key"]

log_to_stderr(as_json=sys.argv[1] == "json")
try:
    connect(sys.argv[2])
except KeyError:
    logging.getLogger("warren").warning("it failed", exc_info=True)
"""

DSN = "postgresql://warren:hunter2@db/warren"


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_trace_shows_the_way_to_an_error_and_no_password(form: str) -> None:
    run = subprocess.run([sys.executable, "-c", FAILS, form, DSN], capture_output=True, text=True, check=True)
    assert "it failed" in run.stderr
    assert "connect" in run.stderr
    assert "no such key" in run.stderr
    assert "hunter2" not in run.stderr
    if form == "json":
        assert len([orjson.loads(line) for line in run.stderr.splitlines()]) == 1
