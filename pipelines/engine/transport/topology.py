"""Super streams: made once, described, and found."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from rstream import exceptions
from rstream.client import Client

from pipelines.engine.transport.address import Address
from pipelines.engine.transport.connection import Connection
from schemas.errors import PartitionMismatch, StreamMissing, StreamUnavailable, said
from schemas.streams import partition_name

SETTLE_SECONDS = 5.0
"""How long a super stream that somebody else is just making may take to have all its partitions."""


@dataclass(frozen=True, slots=True)
class PartitionInfo:
    """One partition. `first_offset` is None while it is empty."""

    partition: int
    stream: str
    leader: str
    replicas: int
    first_offset: int | None


async def create_super_stream(url: str, super_stream: str, partitions: int) -> bool:
    """Make the super stream with no retention; False where it is there already. Idempotent.

    Raises:
        StreamUnavailable: the broker is away or refuses, or one of the names is taken by something else.
        PartitionMismatch: the super stream exists with another number of partitions.
    """
    connection = await Connection.open(Address.parse(url), "warren topology")
    try:
        existing = await _partitions(connection, super_stream)
        if existing:
            if len(existing) != partitions:
                raise PartitionMismatch(super_stream, len(existing), partitions)
            return False
        names = [partition_name(super_stream, partition) for partition in range(partitions)]
        keys = [str(partition) for partition in range(partitions)]

        async def create(client: Client) -> exceptions.ServerError | None:
            try:
                await client.create_super_stream(super_stream, names, keys)
            except (exceptions.StreamAlreadyExists, exceptions.InternalError) as error:
                return error  # either comes where somebody else makes it at this moment
            return None

        refusal = await connection.request(create)
        if refusal is None:
            return True
        await _settled(connection, super_stream, partitions, refusal)
        return False
    finally:
        await connection.close()


async def _settled(connection: Connection, super_stream: str, partitions: int, refusal: exceptions.ServerError) -> None:
    """Wait for what somebody else makes: names are taken, it seems, but are they those of such a super stream?"""
    found: list[str] = []
    try:
        async with asyncio.timeout(SETTLE_SECONDS):
            while len(found) != partitions:
                found = await _partitions(connection, super_stream)
                await asyncio.sleep(0.05)
    except TimeoutError:
        if found:
            raise PartitionMismatch(super_stream, len(found), partitions) from None
        if not isinstance(refusal, exceptions.StreamAlreadyExists):
            raise StreamUnavailable(f"super stream {super_stream!r} cannot be made: {said(refusal)}") from refusal
        raise StreamUnavailable(
            f"super stream {super_stream!r} cannot be made: there is something else of that name, or a stream of one "
            f"of its partitions' names, such as {partition_name(super_stream, 0)!r}"
        ) from None


async def partition_count(url: str, super_stream: str, expected: int | None = None) -> int:
    """Return how many partitions a super stream has; `expected`, where given, is how many it must have.

    Raises what `streams_of` does.
    """
    return len(await streams_of(url, super_stream, expected, plain=False))


async def streams_of(url: str, name: str, expected: int | None = None, *, plain: bool = True) -> list[str]:
    """Return the streams behind a name: the partitions of a super stream, in order; else that one plain stream.

    Every event's home depends on their number, and a broker that is just starting may know only some of the
    partitions: whoever knows how many there are should say so by `expected`. Then, and without `plain`, a plain stream
    does not do.

    Raises:
        StreamMissing: there is none.
        PartitionMismatch: there is another number of partitions than expected.
        StreamUnavailable: not all partitions are there, or they have other names than ours, or the broker is away or
            refuses.
    """
    connection = await Connection.open(Address.parse(url), "warren topology")
    try:
        names = await _partitions(connection, name)
        if not names and plain and expected is None:
            await connection.stats(name)  # raises where there is none
            return [name]
    finally:
        await connection.close()
    if not names:
        raise StreamMissing(name, "super stream")
    if expected is not None and len(names) != expected:
        raise PartitionMismatch(name, len(names), expected)
    if names != [partition_name(name, partition) for partition in range(len(names))]:
        raise StreamUnavailable(
            f"the partitions of {name!r} should be named {partition_name(name, 0)!r} and so on; the broker knows only "
            f"{', '.join(names)}"
        )
    return names


async def describe(url: str, super_stream: str) -> list[PartitionInfo]:
    """Return what the broker says of each partition, in order."""
    connection = await Connection.open(Address.parse(url), "warren topology")
    try:
        streams = await _partitions(connection, super_stream)
        if not streams:
            raise StreamMissing(super_stream, "super stream")
        found = []
        for partition, stream in enumerate(streams):
            leader, replicas = await connection.request(lambda c, s=stream: c.query_leader_and_replicas(s))  # type: ignore[misc]
            stats = await connection.stats(stream)
            first = stats["first_chunk_id"]
            found.append(
                PartitionInfo(
                    partition, stream, f"{leader.host}:{leader.port}", len(replicas), None if first < 0 else first
                )
            )
        return found
    finally:
        await connection.close()


async def _partitions(connection: Connection, super_stream: str) -> list[str]:
    names = await connection.request(lambda client: client.partitions(super_stream))
    return sorted(names, key=_by_number)


def _by_number(name: str) -> tuple[int, str]:
    # A super stream made elsewhere may have partitions of any names: `streams_of` says so.
    number = name.rpartition("-")[2]
    return (int(number) if number.isdecimal() else -1, name)
