"""Connect to a node that serves a stream: its leader to publish, any replica to read."""

from __future__ import annotations

import random

from pipelines.engine.transport.address import Address
from pipelines.engine.transport.connection import Connection
from schemas.errors import StreamUnavailable


async def connect_to(
    address: Address, stream: str, name: str, *, leader: bool, heartbeat: int | None = None
) -> Connection:
    """Return a connection to the stream's leader or, where `leader` is false, to one of its replicas that answers.

    `heartbeat` is as in `Connection.open`.

    Raises:
        StreamMissing: no such stream.
        StreamUnavailable: no broker there, or no leader elected; says so of each node that was tried.
    """
    connection = await Connection.open(address, name, heartbeat=heartbeat)
    try:
        nodes = await _serving(connection, stream, leader)
    except BaseException:
        await connection.close()
        raise
    if nodes[0] == connection.node:
        return connection
    await connection.close()
    failures = []
    for host, port in nodes:
        try:
            return await Connection.open(address.at(host, port), name, heartbeat=heartbeat)
        except StreamUnavailable as error:
            failures.append(str(error))
    raise StreamUnavailable(f"{stream}: {'; '.join(failures)}")


async def _serving(connection: Connection, stream: str, leader: bool) -> list[tuple[str, int]]:
    chief, replicas = await connection.request(lambda client: client.query_leader_and_replicas(stream))
    brokers = [chief] if leader else [*random.sample(replicas, len(replicas)), chief]
    return [(broker.host, broker.port) for broker in brokers]
