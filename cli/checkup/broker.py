"""RabbitMQ: reachable, new enough, with the super stream as it should be."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx

from cli.checkup.findings import Finding, fault, fault_said, ok, warning
from cli.checkup.management import Management
from cli.partitions import stream_of
from cli.server_errors import worded
from pipelines.engine.settings import Settings
from pipelines.engine.transport import partition_count
from schemas.errors import SettingsError, StreamMissing, StreamUnavailable

OLDEST = (3, 13)
"""The first RabbitMQ whose stream protocol can make super streams and filter."""


async def examine_broker(settings: Settings) -> AsyncIterator[Finding]:
    """Yield what is found of the broker."""
    async with Management(settings) as management:
        try:
            version, plugin = await management.overview()
        except httpx.HTTPError as error:
            version, plugin = None, None
            why = str(error) or type(error).__name__
            yield warning(
                "RabbitMQ's management",
                f"does not answer: {why}",
                "set WARREN_MANAGEMENT_URL; without it neither version nor retention can be looked at",
            )
        if version is not None:
            yield version_finding(version)
        try:
            partitions = await partition_count(settings.stream_url, settings.super_stream)
        except StreamMissing:
            yield ok("stream listener", "answers")
            yield fault("super stream", f"{settings.super_stream!r} does not exist", "run `warren topology apply`")
            return
        except (StreamUnavailable, SettingsError) as error:
            finding = fault_said("stream listener", worded(error), "mend WARREN_STREAM_URL")
            off = "run `rabbitmq-plugins enable rabbitmq_stream`"
            yield replace(finding, advice=off) if plugin is False else finding
            return
        yield ok("stream listener", "answers")
        yield _partitions(settings, partitions)
        if version is not None:
            yield await _retention(settings, management, partitions)


def version_finding(version: str) -> Finding:
    """Judge a broker's version, such as `4.0.5`."""
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
    if numbers < OLDEST:
        return fault("RabbitMQ", version, f"upgrade to {'.'.join(map(str, OLDEST))} or newer")
    return ok("RabbitMQ", version)


def _partitions(settings: Settings, partitions: int) -> Finding:
    found = f"{settings.super_stream!r} has {partitions} partitions"
    if partitions != settings.partitions:
        return fault("super stream", f"{found}, not {settings.partitions}", f"set WARREN_PARTITIONS={partitions}")
    return ok("super stream", found)


async def _retention(settings: Settings, management: Management, partitions: int) -> Finding:
    try:
        limited = [
            stream
            for stream in (stream_of(settings, partition) for partition in range(partitions))
            if await management.retention(stream)
        ]
    except httpx.HTTPError as error:
        return warning("retention", f"not known: {error}", "see whether the management account may read queues")
    if limited:
        return warning(
            "retention",
            f"set on {', '.join(limited)}: events go before they are archived",
            "remove the policy or argument max-age / max-length-bytes",
        )
    return ok("retention", "none: every event stays")
