"""A process's own small HTTP server."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import httpx
import pytest

from pipelines.engine.telemetry.serving import HOST, serving
from schemas.errors import SettingsError


async def test_it_says_alive_ready_and_metrics() -> None:
    troubles: list[str] = []
    async with serving(0, lambda: troubles) as port, _client(port) as client:
        assert (await client.get("/healthz")).json() == {"alive": True}
        ready = await client.get("/readyz")
        assert (ready.status_code, ready.json()) == (200, {"ready": True, "reasons": []})
        troubles.append("partition 3: PostgreSQL is away")
        ready = await client.get("/readyz?verbose")
        assert (ready.status_code, ready.json()) == (503, {"ready": False, "reasons": troubles})
        metrics = await client.get("/metrics")
        assert metrics.headers["content-type"].startswith("text/plain")
        assert "process_cpu_seconds_total" in metrics.text


async def test_it_answers_head_and_refuses_the_rest() -> None:
    async with serving(0, list) as port, _client(port) as client:
        head = await client.head("/healthz")
        assert (head.status_code, head.content) == (200, b"")
        assert (await client.get("/nope")).status_code == 404
        assert (await client.post("/healthz")).status_code == 405


@pytest.mark.parametrize("sent", [b"", b"\xff\xfe\r\n\r\n", b"GET", b"x" * 200_000])
async def test_a_client_that_speaks_no_http_harms_nobody(sent: bytes) -> None:
    async with serving(0, list) as port, _client(port) as client:
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(sent)
        writer.write_eof()
        with suppress(ConnectionResetError):  # what was not read is thrown away
            await asyncio.wait_for(reader.read(), 30)
        writer.close()
        assert (await client.get("/healthz")).status_code == 200


async def test_a_port_that_is_taken_is_a_setting_that_makes_no_sense() -> None:
    async with serving(0, list) as port:
        with pytest.raises(SettingsError, match=f"WARREN_METRICS_PORT: .* port {port}"):
            async with serving(port, list):
                pass


def _client(port: int) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=f"http://{HOST}:{port}", trust_env=False, timeout=30)
