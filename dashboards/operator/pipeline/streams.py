"""Looks at the streams again and again."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import NoReturn

from dashboards.operator.pipeline.lag import Lag, PartitionLag, every
from dashboards.operator.reads import Reads
from dashboards.operator.rows import Position
from pipelines.engine.settings import Settings
from pipelines.engine.transport import Waiting, partition_count, waiting
from schemas.errors import StoreError, StreamError
from schemas.streams import partition_name

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
ANSWER_SECONDS = 10.0


class Streams:
    """Looks while `run` does. `lag` is what it saw last, None before that; `away`: the broker did not answer since."""

    def __init__(self, settings: Settings, reads: Reads) -> None:
        self._settings = settings
        self._reads = reads
        self.lag: Lag | None = None
        self.away = False

    async def run(self) -> NoReturn:
        """Look again and again until cancelled. Outages are waited out."""
        while True:
            try:
                await self.look()
            except StoreError:
                pass  # said by whoever shows something
            except (StreamError, TimeoutError) as error:
                if not self.away:
                    log.warning("what waits in the streams is not known: %s", error or "the broker is too slow")
                self.away = True
            except Exception:
                log.exception("looking at the streams failed; trying again")
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Look now. Raises StoreError, StreamError or TimeoutError where that cannot be done."""
        standing = await self._reads.standing()
        async with asyncio.timeout(ANSWER_SECONDS):
            partitions = await partition_count(self._settings.stream_url, self._settings.super_stream)
            positions = every(standing.positions, partitions)
            found = await asyncio.gather(*map(self._waiting, positions))
        pairs = zip(positions, found, strict=True)
        self.lag = Lag(tuple(PartitionLag(position, waits) for position, waits in pairs), datetime.now(UTC))
        self.away = False

    async def _waiting(self, position: Position) -> Waiting:
        stream = partition_name(self._settings.super_stream, position.partition)
        return await waiting(self._settings.stream_url, stream, position.next_offset)
