"""Connect to a node that serves a stream: its leader to publish, any replica to read."""

from __future__ import annotations

import random

from pipelines.engine.transport.address import Address
from pipelines.engine.transport.connection import Connection


async def connect_to(address: Address, stream: str, name: str, *, leader: bool) -> Connection:
    """Return a connection to the stream's leader, or to one of its replicas where `leader` is false.

    Raises:
        StreamMissing: no such stream.
        StreamUnavailable: no broker there, or no leader elected.
    """
    connection = await Connection.open(address, name)
    try:
        chief, replicas = await connection.request(lambda client: client.query_leader_and_replicas(stream))
    except BaseException:
        await connection.close()
        raise
    wanted = chief if leader or not replicas else random.choice(replicas)
    if (wanted.host, wanted.port) == connection.node:
        return connection
    await connection.close()
    return await Connection.open(address.at(wanted.host, wanted.port), name)
