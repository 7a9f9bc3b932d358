"""`warren board`, as a process of its own."""

from __future__ import annotations

import asyncio

import httpx

from tests.cli.support import Warren


async def test_it_prints_its_address_serves_and_stops(warren: Warren) -> None:
    async with warren.process("board", "--port", "0") as process:
        assert process.stdout is not None
        words = (await asyncio.wait_for(process.stdout.readline(), 60)).decode().split()
        assert words[0] == "board:"
        async with httpx.AsyncClient(base_url=words[1], trust_env=False) as client:
            assert (await client.get("/healthz")).status_code == 200
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 60) == 0


async def test_an_address_that_cannot_be_had_is_one_line(warren: Warren) -> None:
    (await warren.ends("board", "--host", "192.0.2.1", "--port", "0")).failed(2, "cannot listen on 192.0.2.1")
