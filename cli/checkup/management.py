"""RabbitMQ's management API, as far as an examination needs it."""

from __future__ import annotations

from types import TracebackType
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import httpx

from pipelines.engine.settings import Settings

_LIMITS = ("max-age", "max-length-bytes")


class Management:
    """Asks about the virtual host the streams are in. Every method raises httpx.HTTPError."""

    def __init__(self, settings: Settings) -> None:
        url = urlsplit(settings.management_url)
        self._vhost = quote(unquote(urlsplit(settings.stream_url).path[1:]) or "/", safe="")
        self._client = httpx.AsyncClient(
            base_url=f"{url.scheme}://{url.netloc.rpartition('@')[2]}",
            auth=(unquote(url.username or ""), unquote(url.password or "")),
            timeout=10,
            # A proxy named by the environment has no business between us and our own server.
            trust_env=False,
        )

    async def __aenter__(self) -> Management:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def overview(self) -> tuple[str, bool]:
        """Return the broker's version, and whether anything listens for the stream protocol."""
        answer = await self._get("/api/overview")
        protocols = {listener["protocol"] for listener in answer.get("listeners", [])}
        return str(answer["rabbitmq_version"]), any(protocol.startswith("stream") for protocol in protocols)

    async def retention(self, stream: str) -> dict[str, Any]:
        """Return what limits the stream's age or size, by argument or policy; empty where nothing does."""
        queue = await self._get(f"/api/queues/{self._vhost}/{quote(stream, safe='')}")
        policy = queue.get("effective_policy_definition") or {}
        arguments = queue.get("arguments") or {}
        found = {name: arguments.get(f"x-{name}", policy.get(name)) for name in _LIMITS}
        return {name: value for name, value in found.items() if value is not None}

    async def _get(self, path: str) -> dict[str, Any]:
        answer = await self._client.get(path)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found
