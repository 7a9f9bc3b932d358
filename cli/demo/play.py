"""One whole demo, on servers that are up."""

from __future__ import annotations

import asyncio
import shlex
import sys
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from cli.demo.browser import open_page
from cli.demo.players import Players, players
from cli.demo.playing import clear_leftovers
from cli.demo.processes import guarded
from cli.demo.proof import Proof, prove
from cli.demo.services import Services
from cli.demo.simulation import USUAL_RATE
from cli.demo.stage import Stage, stage
from cli.localservers import Addresses

_WARREN = Path(sys.executable).with_name("warren")
"""The command, which no other terminal need have on its path."""


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for. `rate`: messages a second; None: the usual rate, or with `once` as fast as possible."""

    orders: int
    once: bool
    seed: int
    rate: float | None
    open_browser: bool


async def play(addresses: Addresses, options: Options, hurry: asyncio.Event, console: Console) -> Proof:
    """Play the demo and return its proof; one that goes on and on ends only when it is cancelled.

    Nothing of it is left behind, however it ends; `hurry` makes the end quicker.

    Raises:
        DemoFailed: a process ended, or nothing moves any more.
        WarrenError, ServicesError, DATABASE_ERRORS: the servers refuse or are away.
    """

    def say(text: str) -> None:
        console.print(text, style="dim", markup=False, soft_wrap=True)

    await clear_leftovers(say)
    async with stage(addresses, hurry, say) as set_stage:
        console.print(f"\n  [bold]The board: {set_stage.board_url}[/bold]", soft_wrap=True)
        guest = set_stage.guest
        console.print(f"  Sign in as [bold]{guest.name}[/bold] with the password [bold]{guest.password}[/bold]")
        console.print(f"  Logs: {set_stage.logs}", soft_wrap=True)
        look = f"set -a; . {shlex.quote(str(set_stage.environment))}; set +a; {shlex.quote(str(_WARREN))} lag"
        console.print(f"  In another terminal: {look}", markup=False, soft_wrap=True)
        console.print(f"  Seed: {options.seed}" + ("\n" if options.once else "     Ctrl-C stops all of it.\n"))
        if options.open_browser:
            await asyncio.to_thread(open_page, set_stage.board_url)
        async with players(set_stage, options.seed, options.rate, console) as cast:
            return await guarded(_act(set_stage, cast, options), set_stage.children)


async def _act(set_stage: Stage, cast: Players, options: Options) -> Proof:
    begun = time.monotonic()
    if not options.once:
        await published(cast.services, cast.simulation.go_on(options.orders, options.rate or USUAL_RATE))
    cast.figures.doing = "publishing"
    await published(cast.services, cast.simulation.play(options.orders))
    return await prove(set_stage, cast, begun)


async def published(services: Services, work: Coroutine[Any, Any, None]) -> None:
    """Do `work` while the services publish; they stop with it. Raises what either raises."""
    publishing, working = asyncio.create_task(services.run()), asyncio.create_task(work)
    try:
        await asyncio.wait({publishing, working}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            await publishing
        await working
    finally:
        for task in (publishing, working):
            task.cancel()
        await asyncio.gather(publishing, working, return_exceptions=True)
