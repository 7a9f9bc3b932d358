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
from pipelines.engine.transport import Waiting, last_chunks, partition_count, waiting
from schemas.errors import EventsLost, StoreError, StreamError
from schemas.streams import partition_name

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
ANSWER_SECONDS = 10.0


class Streams:
    """Looks while `run` does. `lag` is what it saw last, None before that; `away`: the broker did not answer since."""

    def __init__(self, settings: Settings, reads: Reads) -> None:
        self._settings = settings
        self._reads = reads
        self._streams: list[str] = []
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
        async with asyncio.timeout(ANSWER_SECONDS):
            if not self._streams:  # their number never changes
                count = await partition_count(self._settings.stream_url, self._settings.super_stream)
                self._streams = [partition_name(self._settings.super_stream, number) for number in range(count)]
            chunks = await last_chunks(self._settings.stream_url, self._streams)
            standing = await self._reads.standing_now()
            positions = every(standing.positions, len(self._streams))
            found = await asyncio.gather(*map(self._waiting, positions, chunks))
        pairs = zip(positions, found, strict=True)
        self.lag = Lag(tuple(PartitionLag(position, waits) for position, waits in pairs), datetime.now(UTC))
        self.away = False

    async def _waiting(self, position: Position, last_chunk: int) -> Waiting:
        if position.next_offset > last_chunk:  # as it is nearly always: then nothing more is asked
            return Waiting(0, position.next_offset, None)
        try:
            return await waiting(self._settings.stream_url, self._streams[position.partition], position.next_offset)
        except EventsLost:
            # The partition has stopped, with an alarm of its own; here it is one that does not move.
            return Waiting(last_chunk + 1 - position.next_offset, last_chunk + 1, position.recorded_at)
