"""The lines to the broker, to PostgreSQL and to Redis: cut, half-open, slow, and one with a flipped bit."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.faults.conftest import SEEDS, CacheProof, Proof, applied, progress
from tests.faults.entries.impatient import IMPATIENT
from tests.support.load import Load
from tests.support.processors import processor
from tests.support.proxy import Proxy, proxied
from tests.support.runs import Run
from tests.support.waiting import until

pytestmark = pytest.mark.faults

DELIVER = b"\x00\x08"

VARIABLES = {"stream": "WARREN_STREAM_URL", "postgres": "WARREN_POSTGRES_DSN", "redis": "WARREN_REDIS_URL"}

Recovers = Callable[[], Awaitable[None]]


async def _cut(proxy: Proxy, chance: random.Random, recovers: Recovers) -> None:
    for _ in range(3):
        proxy.cut()
        await recovers()


async def _half_open(proxy: Proxy, chance: random.Random, recovers: Recovers) -> None:
    """The other side is not told; whoever waits for an answer waits in vain."""
    before = proxy.connections
    proxy.swallow()

    async def connected_anew() -> bool:
        return proxy.connections > before

    await until(connected_anew, "a new connection in place of the half-open one")
    await recovers()


async def _slow(proxy: Proxy, chance: random.Random, recovers: Recovers) -> None:
    proxy.bytes_per_second = chance.uniform(50_000, 200_000)
    await recovers()
    proxy.bytes_per_second = None


FAULTS = {"cut": _cut, "half-open": _half_open, "slow": _slow}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("line", VARIABLES)
async def test_a_line_cut_half_open_and_slow(
    run: Run, prove: Proof, cache_agrees: CacheProof, tmp_path: Path, line: str, seed: int
) -> None:
    chance, load = random.Random(seed), Load(run, seed, orders=60, pause=0.03, endless=True)
    connection = await run.connect()

    async def recovers() -> None:
        before = await applied(connection)

        async def further() -> bool:
            return await applied(connection) > before

        await progress(load, chance.randint(1, 5))
        await until(further, "events to take effect again")

    environment = run.environment()
    async with (
        proxied(environment[VARIABLES[line]]) as (url, proxy),
        processor(run, tmp_path / "log", entry=IMPATIENT, environment={VARIABLES[line]: url}) as child,
    ):
        publishing = asyncio.create_task(load.publish())
        await recovers()
        for fault in chance.sample(list(FAULTS), len(FAULTS)):
            await FAULTS[fault](proxy, chance, recovers)
        load.finish()
        await publishing
        await prove(load)
        await cache_agrees()
        await until(lambda: _ready(child.troubles), "the processor to be ready")
        assert await child.stop() == 0
    await connection.close()


async def _ready(troubles: Callable[[], Awaitable[list[str]]]) -> bool:
    return not await troubles()


@pytest.mark.parametrize("seed", SEEDS)
async def test_bits_flipped_on_the_way_from_the_broker(run: Run, prove: Proof, tmp_path: Path, seed: int) -> None:
    """Each chunk bears a checksum; what does not fit is fetched again."""
    chance, load = random.Random(seed), Load(run, seed, orders=100)
    flipped = 0

    def flip(frame: bytes) -> bytes:
        nonlocal flipped
        if frame[:2] != DELIVER or flipped == 5 or chance.random() < 0.9:
            return frame
        flipped += 1
        place = chance.randrange(53, len(frame))  # behind the headers of frame and chunk
        return frame[:place] + bytes([frame[place] ^ 1 << chance.randrange(8)]) + frame[place + 1 :]

    async with (
        proxied(run.settings.stream_url) as (url, proxy),
        processor(run, tmp_path / "log", environment={"WARREN_STREAM_URL": url}) as child,
    ):
        proxy.frames = flip
        await load.publish()
        await prove(load)
        assert flipped == 5
        # What was behind a broken chunk on the same connection was not looked at.
        assert 1 <= child.log.read_text().count("has a wrong checksum; joining again") <= 5
        assert await child.stop() == 0
