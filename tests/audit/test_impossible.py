"""Where the audit cannot say anything it says so; it never says "clean"."""

from __future__ import annotations

import pytest

from cli.localservers import Addresses
from pipelines.audit import AuditImpossible, audit
from pipelines.engine.stores.migrate import migrate_control, migrate_instance
from pipelines.engine.transport import Message, SuperStreamPublisher, create_super_stream, first_offset
from pipelines.engine.transport.address import Address
from pipelines.engine.transport.connection import Connection
from pipelines.flows.declared import FLOWS
from schemas.errors import SettingsError, StoreBehind, StreamMissing
from tests.support.runs import Run, fresh_run
from tests.support.waiting import until


async def test_a_stream_whose_beginning_is_gone(run: Run) -> None:
    connection = await Connection.open(Address.parse(run.settings.stream_url), "test")
    arguments = {"max-length-bytes": 200_000, "stream-max-segment-size-bytes": 100_000}
    await connection.request(lambda client: client.create_super_stream("short", ["short-0"], ["0"], arguments))
    await connection.close()
    async with SuperStreamPublisher(run.settings.stream_url, "short") as publisher:

        async def removed() -> bool:
            await publisher.publish_to(0, [Message("x", b"." * 1000, f"{n}", "t") for n in range(200)])
            return await first_offset(run.settings.stream_url, "short-0") > 0

        await until(removed, "retention to remove the first events")
    with pytest.raises(AuditImpossible, match=r"'short-0' begins at offset \d+"):
        await audit(run.settings.model_copy(update={"super_stream": "short"}))


async def test_no_stream_and_no_tables(servers: Addresses) -> None:
    async with fresh_run(servers, prepared=False) as run:
        with pytest.raises(StreamMissing):
            await audit(run.settings)
        await create_super_stream(run.settings.stream_url, "orders", 2)
        with pytest.raises(StoreBehind, match="warren migrate"):
            await audit(run.settings)
        migrate_control(run.settings.postgres_dsn)
        for flow in FLOWS:
            migrate_instance(run.settings.postgres_dsn, flow.name, flow.migrations)
        report = await audit(run.settings)
        assert (report.clean, report.events_in_stream, report.partitions) == (True, 0, 2)


@pytest.mark.parametrize("name", ["pricing@1", "views", "views@0"])
async def test_an_instance_that_is_none_of_the_views(run: Run, name: str) -> None:
    with pytest.raises(SettingsError):
        await audit(run.settings, name)
