"""Read only some of a stream's events: the broker leaves out chunks, the client leaves out records.

The broker keeps one Bloom filter per chunk over the filter values of its messages (here: event types). It sends every
chunk that may hold a wanted one, and with it all others in that chunk, so each record is looked at again here.

What is left out looks like a gap. So a filtered reader cannot tell a chunk the broker left out from one that is
lost: it is for looking, counting and notifying, not for what must take effect exactly once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pipelines.engine.transport.chunk import Chunk
from schemas.errors import SettingsError


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which records are wanted.

    `values` are the filter values the broker goes by (1 to 255, as given to `Message.filter_value`); `keep` decides
    about each record (an AMQP message, see `body_of`), as filter values are not delivered. `keep` must say yes to
    every record that has one of the values, and no to all others. `match_unfiltered` also asks for chunks with
    messages that were published without a filter value, such as compressed ones.
    """

    values: tuple[str, ...]
    keep: Callable[[bytes], bool]
    match_unfiltered: bool = False

    def __post_init__(self) -> None:
        if not 1 <= len(self.values) <= 255 or not all(value and value.isascii() for value in self.values):
            raise SettingsError(f"filter values are 1 to 255 texts in ASCII, not {self.values!r}")

    def properties(self) -> dict[str, str]:
        """Return what a subscription says of it."""
        wanted = {f"filter.{number}": value for number, value in enumerate(self.values)}
        return {**wanted, "match-unfiltered": str(self.match_unfiltered).lower()}

    def apply(self, chunk: Chunk) -> list[Chunk]:
        """Return the wanted records in order, as chunks without a gap inside."""
        runs: list[Chunk] = []
        for offset, record in enumerate(chunk.records, chunk.first_offset):
            if not self.keep(record):
                continue
            if runs and runs[-1].end_offset == offset:
                runs[-1].records.append(record)
            else:
                runs.append(Chunk(chunk.partition, offset, chunk.recorded_at, [record]))
        return runs
