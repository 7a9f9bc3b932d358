"""Everybody who plays in a demo, put together on a stage that is set."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from rich.console import Console

from cli.demo.figures import Figures
from cli.demo.pace import Pace
from cli.demo.services import Services
from cli.demo.simulation import Simulation
from cli.demo.stage import Stage
from cli.demo.tally import Tally
from cli.demo.visible import Visibility
from cli.demo.world import World


@dataclass(frozen=True, slots=True)
class Players:
    """The simulated services and their orders, and those who keep count, watch and show."""

    seed: int
    tally: Tally
    visibility: Visibility
    services: Services
    simulation: Simulation
    figures: Figures


@asynccontextmanager
async def players(stage: Stage, seed: int, rate: float | None, console: Console) -> AsyncIterator[Players]:
    """Give the players; figures are shown on `console` for as long as the block runs."""
    settings, tally, pace = stage.settings, Tally(), Pace(rate)
    async with Visibility(stage.board_url, seed, stage.guest) as visibility:
        services = Services(settings, pace, tally, visibility.offer, stage.outboxes)
        simulation = Simulation(World(seed), services, pace, settings.partitions)
        figures = Figures(stage.board_url, tally, services, stage.checkpoints, visibility)
        tasks = [asyncio.create_task(work) for work in (stage.checkpoints.watch(), figures.show(console))]
        try:
            yield Players(seed, tally, visibility, services, simulation, figures)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
