"""`warren services` on the command line."""

import json

import pytest
from typer.testing import CliRunner

from cli.services import app
from tests.support.own_sets import OwnSet

runner = CliRunner()


@pytest.fixture(autouse=True)
def state_dir(shared: OwnSet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARREN_STATE_DIR", str(shared.home.root))


def test_up_prints_one_json_object(shared: OwnSet) -> None:
    answer = runner.invoke(app, ["up", "--json"])
    assert answer.exit_code == 0
    found = json.loads(answer.stdout)
    assert found.pop("mode") in ("debian", "compose")
    assert found == shared.addresses.model_dump()


def test_up_shows_the_variables(shared: OwnSet) -> None:
    answer = runner.invoke(app, ["up"])
    assert "WARREN_POSTGRES_DSN" in answer.stdout


def test_status_says_who_uses_the_servers(shared: OwnSet) -> None:
    answer = runner.invoke(app, ["status"])
    assert answer.exit_code == 0
    assert answer.stdout.count("healthy") == 3
    assert "local server tests" in answer.stdout


def test_status_fails_when_one_server_is_down(shared: OwnSet) -> None:
    shared.control.stop("redis")
    try:
        answer = runner.invoke(app, ["status", "--json"])
    finally:
        shared.control.start("redis")
    assert answer.exit_code == 1
    found = json.loads(answer.stdout)
    assert [server["name"] for server in found["servers"] if not server["healthy"]] == ["redis"]


def test_logs_come_from_one_server_or_all(shared: OwnSet) -> None:
    one = runner.invoke(app, ["logs", "redis", "-n", "2"])
    assert len(one.stdout.splitlines()) == 2
    every = runner.invoke(app, ["logs", "-n", "1", "--json"])
    assert [json.loads(line)["server"] for line in every.stdout.splitlines()] == ["rabbitmq", "postgres", "redis"]


def test_down_is_refused_in_one_line(shared: OwnSet) -> None:
    answer = runner.invoke(app, ["down"])
    assert answer.exit_code == 1
    assert len([line for line in answer.stderr.splitlines() if line.startswith("warren: ")]) == 1


def test_a_set_that_was_never_started(shared: OwnSet) -> None:
    assert runner.invoke(app, ["status", "--set", "never"]).exit_code == 1
    assert runner.invoke(app, ["logs", "--set", "never"]).exit_code == 1
    assert "Nothing was running" in runner.invoke(app, ["down", "--set", "never"]).stdout
    assert runner.invoke(app, ["status", "--set", "../../etc"]).exit_code == 1


@pytest.mark.parametrize("verb", ["up", "status", "logs", "down"])
def test_help_gives_an_example_and_the_exit_codes(verb: str) -> None:
    text = " ".join(runner.invoke(app, [verb, "--help"]).stdout.split())
    assert f"Example: warren services {verb}" in text
    assert "Exit codes: 0" in text


def test_wrong_usage_is_exit_code_2() -> None:
    assert runner.invoke(app, ["logs", "oracle"]).exit_code == 2
