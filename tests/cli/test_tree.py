"""What every command promises: an example, its exit codes, JSON for programs, one line for an error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from cli.main import app
from tests.cli.support import Warren

VERBS = (
    "services", "migrate", "topology apply", "topology show", "run", "board", "publish", "import", "tail", "lag",
    "order show", "quarantine list", "quarantine show", "parked list", "parked release", "audit", "demo", "doctor",
    "schemas export",
)  # fmt: skip


def _commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    if hasattr(command, "commands"):
        for name, child in command.commands.items():
            yield from _commands(child, (*path, name))
    else:
        yield " ".join(path), command


COMMANDS = dict(_commands(typer.main.get_command(app)))


def test_every_verb_of_the_issue_is_there() -> None:
    missing = [verb for verb in VERBS if not any(name == verb or name.startswith(f"{verb} ") for name in COMMANDS)]
    assert missing == []


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_shows_an_example_its_exit_codes_and_speaks_json(name: str) -> None:
    command = COMMANDS[name]
    assert f"Example: warren {name}" in command.epilog
    assert "Exit codes: 0 " in command.epilog
    assert "--json" in [option for parameter in command.params for option in parameter.opts]
    assert command.help or command.short_help


@pytest.mark.parametrize("name", COMMANDS)
def test_help_is_shown_without_any_server(name: str) -> None:
    answer = CliRunner().invoke(app, [*name.split(), "--help"])
    assert answer.exit_code == 0
    assert "--json" in answer.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["lag", "--nope"],
        ["nope"],
        ["topology", "nope"],
        ["tail", "--count", "none"],
        ["quarantine", "list", "--reason", "mood"],
        ["publish"],
        ["run", "views"],
        ["run", "nothing@1"],
        ["tail", "--from", "yesterday"],
        ["quarantine", "show", "here"],
    ],
)
async def test_wrong_usage_is_one_line_and_exit_code_2(lost_warren: Warren, arguments: list[str]) -> None:
    answer = await lost_warren.ends(*arguments)
    answer.failed(2)


async def test_a_setting_that_makes_no_sense_is_named(lost_warren: Warren) -> None:
    lost_warren.environment["WARREN_PARTITIONS"] = "many"
    (await lost_warren("lag")).failed(2, "WARREN_PARTITIONS")


async def test_an_address_that_is_none_is_named(lost_warren: Warren) -> None:
    lost_warren.environment["WARREN_STREAM_URL"] = "http://localhost"
    (await lost_warren("topology", "show")).failed(2, "WARREN_STREAM_URL")


@pytest.mark.parametrize(
    ("server", "arguments"),
    [
        ("PostgreSQL", ["migrate"]),
        ("broker", ["topology", "apply"]),
        ("broker", ["topology", "show"]),
        ("broker", ["tail"]),
        ("PostgreSQL", ["lag"]),
        ("PostgreSQL", ["order", "show", "A1"]),
        ("PostgreSQL", ["quarantine", "list"]),
        ("PostgreSQL", ["quarantine", "show", "0:1"]),
        ("PostgreSQL", ["parked", "list"]),
        ("PostgreSQL", ["parked", "release", "A1"]),
    ],
)
async def test_a_server_that_is_away_is_one_line_and_exit_code_3(
    lost_warren: Warren, server: str, arguments: list[str]
) -> None:
    (await lost_warren(*arguments)).failed(3, server, "127.0.0.1")


@pytest.mark.parametrize(
    "arguments", [["lag"], ["order", "show", "A1"], ["quarantine", "list"], ["parked", "list"], ["run", "views@1"]]
)
async def test_missing_tables_are_one_line_that_says_migrate(bare_warren: Warren, arguments: list[str]) -> None:
    answer = await (bare_warren.ends if arguments[0] == "run" else bare_warren)(*arguments)
    answer.failed(1, "run `warren migrate`")


@pytest.mark.parametrize("arguments", [["topology", "show"], ["tail"]])
async def test_a_missing_stream_is_one_line_that_says_topology_apply(bare_warren: Warren, arguments: list[str]) -> None:
    (await bare_warren(*arguments)).failed(1, "run `warren topology apply`")


async def test_a_reader_who_has_seen_enough_ends_the_command_quietly(warren: Warren) -> None:
    async with warren.process("topology", "show", "--json") as process:
        assert process.stdout is not None
        process.stdout._transport.close()  # type: ignore[attr-defined]  # as `| head` does
        assert process.stderr is not None
        assert await process.stderr.read() == b""
        assert await process.wait() == 0
