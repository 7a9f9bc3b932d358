"""What a demo plays on: its own environment on the servers, the pipeline and the board as processes of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from cli.demo.errors import DemoFailed
from cli.demo.guest import Guest, invite
from cli.demo.outboxes import ServiceOutbox
from cli.demo.places import board_port, run_folder
from cli.demo.planned import Sender
from cli.demo.playing import NOTE, noted_run, write_environment
from cli.demo.processes import Child, child, guarded
from cli.demo.progress import READY_SECONDS, Checkpoints
from cli.localservers import Addresses, further_dsn, unique_run_name
from cli.localservers.names import Say
from pipelines.edges.outbox.installation import install
from pipelines.engine.settings import Settings
from pipelines.engine.stores.migrate import migrate_control, migrate_instance
from pipelines.engine.transport import create_super_stream
from pipelines.flows.declared import FLOWS, flow_named

VIEWS = "views@1"

_ADDRESS_LINE = "board: "
_LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Stage:
    """A running pipeline and board, and each service's outbox with its relay.

    `logs` is the folder of their logs, `environment` a file of variables with which other commands speak to this run.
    """

    logs: Path
    environment: Path
    settings: Settings
    schema: str
    checkpoints: Checkpoints
    board_url: str
    guest: Guest
    outboxes: Mapping[Sender, ServiceOutbox]
    children: tuple[Child, ...]


@asynccontextmanager
async def stage(addresses: Addresses, hurry: asyncio.Event, say: Say) -> AsyncIterator[Stage]:
    """Set the stage, and clear it afterwards, whatever happened: pipeline, board, then all data of this run.

    Raises:
        DemoFailed: a process ended or did not become ready.
        ServicesError, WarrenError: the servers refuse.
    """
    run = unique_run_name("demo")
    say(f"run {run}")
    folder = run_folder(run, NOTE)
    async with noted_run(addresses, folder) as own, AsyncExitStack() as stack:
        # A read replica, where somebody's settings name one, has nothing of this run.
        settings = Settings(**own.model_dump())
        say("making tables and streams")
        make_streams = create_super_stream(settings.stream_url, settings.super_stream, settings.partitions)
        await asyncio.gather(asyncio.to_thread(_migrate, settings), make_streams)
        guest = await invite(settings.postgres_dsn)
        outboxes = {sender: ServiceOutbox(further_dsn(own, sender)) for sender in Sender}
        for sender, outbox in outboxes.items():
            await install(outbox.dsn, f"/{sender}")
            stack.callback(outbox.close)
        variables = {
            "WARREN_POSTGRES_READ_DSN": "",
            **own.as_environment(),
            "WARREN_OUTBOX_DSN": outboxes[Sender.SHOP].dsn,
            "WARREN_SUPER_STREAM": settings.super_stream,
            "WARREN_PARTITIONS": str(settings.partitions),
            "WARREN_BOARD_SIGN_IN": "accounts",
        }
        environment = {**variables, "WARREN_BOARD_PORT": str(board_port(settings))}
        say("starting the board, the pipeline and a relay for each service")
        board = await stack.enter_async_context(child("board", ("board",), environment, folder / "board.log", hurry))
        pipeline = await stack.enter_async_context(
            child("pipeline", ("run", VIEWS), environment, folder / "pipeline.log", hurry)
        )
        relays = [
            await stack.enter_async_context(
                child(
                    f"{sender} relay",
                    ("outbox", "relay"),
                    {**environment, "WARREN_OUTBOX_DSN": outbox.dsn},
                    folder / f"{sender}-relay.log",
                    hurry,
                )
            )
            for sender, outbox in outboxes.items()
        ]
        schema = flow_named(VIEWS).name.schema
        checkpoints = Checkpoints(settings, schema)
        stack.callback(checkpoints.close)
        children = (pipeline, board, *relays)
        url = await guarded(_ready(board, checkpoints, settings.partitions), children)
        try:
            noted = write_environment(folder, variables)
            yield Stage(folder, noted, settings, schema, checkpoints, url, guest, outboxes, children)
        finally:
            say("stopping them, and clearing away this run's data")


def _migrate(settings: Settings) -> None:
    migrate_control(settings.postgres_dsn)
    for flow in FLOWS:
        migrate_instance(settings.postgres_dsn, flow.name, flow.migrations)


async def _ready(board: Child, checkpoints: Checkpoints, partitions: int) -> str:
    address, _ = await asyncio.gather(_board_address(board), checkpoints.until_owned(partitions))
    return address


async def _board_address(board: Child) -> str:
    """Wait until the board can show orders; return its address, which it prints when it knows its port."""
    deadline = asyncio.get_running_loop().time() + READY_SECONDS
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        why = "it has not said where it listens"
        while asyncio.get_running_loop().time() < deadline:
            for line in board.last_lines():
                if line.startswith(_ADDRESS_LINE):
                    address = line.removeprefix(_ADDRESS_LINE)
                    try:
                        answer = await client.get(f"{address}/readyz")
                        if answer.is_success:
                            return address
                        why = answer.text
                    except httpx.HTTPError as error:
                        why = str(error) or type(error).__name__
            await asyncio.sleep(_LOOK_SECONDS)
    raise DemoFailed(f"the board is not ready after {READY_SECONDS:g} s ({why}); its log: {board.log}")
