"""A broker that is paused, or that has raised its memory or its disk alarm."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path

import httpx
import pytest

from cli.localservers import ServerControl
from pipelines.engine.transport import SuperStreamPublisher
from schemas.errors import Unconfirmed
from tests.faults.conftest import SEEDS, CacheProof, Proof, progress
from tests.faults.entries.impatient import IMPATIENT
from tests.support.events import life, message
from tests.support.load import Load
from tests.support.nodes import broker_command
from tests.support.pipelines import caught_up
from tests.support.processors import Processor, processor
from tests.support.runs import Run
from tests.support.waiting import until

pytestmark = pytest.mark.faults

ALARMS = {
    "memory": (["set_vm_memory_high_watermark", "0.000001"], ["set_vm_memory_high_watermark", "0.4"]),
    "disk": (["set_disk_free_limit", "900000GB"], ["set_disk_free_limit", "1GB"]),
}


@asynccontextmanager
async def _alarm(run: Run, name: str) -> AsyncIterator[None]:
    """Have the broker alarmed for as long as the block lasts."""
    url = httpx.URL(run.settings.management_url)
    raise_, lift = ALARMS[name]
    async with httpx.AsyncClient(
        base_url=f"http://{url.host}:{url.port}", auth=(url.username, url.password), trust_env=False
    ) as client:

        async def alarmed() -> bool:
            return (await client.get("/api/health/checks/alarms")).status_code == 503

        async def calm() -> bool:
            return not await alarmed()

        try:
            await asyncio.to_thread(broker_command, "faults", raise_)
            await until(alarmed, "the alarm")
            yield
        finally:
            await asyncio.to_thread(broker_command, "faults", lift)
        await until(calm, "the end of the alarm")


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("alarm", ALARMS)
async def test_an_alarm_loses_nothing(
    run: Run, prove: Proof, cache_agrees: CacheProof, tmp_path: Path, alarm: str, seed: int
) -> None:
    """Streams need disk and no memory to speak of: only the disk alarm holds their publishers."""
    chance, load = random.Random(seed), Load(run, seed, orders=60, endless=True)
    held = [message(fields) for fields in life("H1")]
    async with processor(run, tmp_path / "log") as child:
        publishing = asyncio.create_task(load.publish())
        await progress(load, chance.randint(1, 9))
        async with _alarm(run, alarm):
            await caught_up(run)  # what is in the stream is still delivered
            async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher:
                with pytest.raises(Unconfirmed) if alarm == "disk" else nullcontext():
                    await publisher.publish(held, timeout=2)
        await progress(load, chance.randint(1, 9))
        async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher:
            await publisher.publish(held)  # again, with the same ids
        load.good |= {m.message_id for m in held}
        load.finish()
        await publishing
        await prove(load)
        await cache_agrees()
        assert await _ready(child)
        assert await child.stop() == 0


async def _ready(child: Processor) -> bool:
    return not await child.troubles()


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_broker_paused_until_it_is_given_up(
    run: Run, control: ServerControl, prove: Proof, cache_agrees: CacheProof, tmp_path: Path, seed: int
) -> None:
    chance, load = random.Random(seed), Load(run, seed, orders=60, endless=True)
    async with processor(run, tmp_path / "log", entry=IMPATIENT) as child:
        publishing = asyncio.create_task(load.publish())
        await until(lambda: _ready(child), "the processor to be ready")
        await progress(load, chance.randint(1, 9))

        async def given_up() -> bool:
            return any("StreamUnavailable" in trouble for trouble in await child.troubles())

        await asyncio.to_thread(control.pause, "rabbitmq")
        try:
            await until(given_up, "the processor to give the broker up")
        finally:
            await asyncio.to_thread(control.resume, "rabbitmq")
        await progress(load, chance.randint(1, 9))
        load.finish()
        await publishing
        await prove(load)
        await cache_agrees()
        assert await child.stop() == 0
