"""Any duplication, any batching, any interleaving, processors restarted anywhere: the tables say the same (I2, I3, I4).

The plain telling, each release's events in one batch, goes into `views@1`; every other telling into `views@2`.
"""

from __future__ import annotations

import asyncio
from random import Random

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pipelines.engine.stores.instances import InstanceName
from pipelines.engine.stores.migrate import migrate_instance
from pipelines.engine.stores.postgres import connect
from pipelines.engine.transport import Batch
from pipelines.flows.views import migrations
from pipelines.flows.views.projection import Views
from schemas.streams import partition_of
from tests.instance.direct import Instance, instance
from tests.instance.releases import FirstRelease, SecondRelease
from tests.instance.stories import ORDERS, PARTITIONS, Log, Story, plain_batch, stories
from tests.instance.tables import check_consistent, read_tables
from tests.support.emptied import empty
from tests.support.runs import Run

PLAIN, OTHER = InstanceName("views", 1), InstanceName("views", 2)

RELEASES: tuple[type[Views], ...] = (FirstRelease, SecondRelease)


@pytest.fixture(scope="module")
def twins(shared: Run) -> Run:
    """An environment with two instances of the views side by side."""
    migrate_instance(shared.settings.postgres_dsn, OTHER, migrations)
    return shared


def test_the_orders_are_at_home() -> None:
    for partition, orders in ORDERS.items():
        assert {partition_of(order_id, PARTITIONS) for order_id in orders} == {partition}


async def _tell_plainly(run: Run, story: Story) -> None:
    ends = dict.fromkeys(ORDERS, 0)
    for release, told in zip(RELEASES, (story.before, story.after), strict=True):
        async with instance(run, release(), claim=list(ORDERS), name=PLAIN, partitions=PARTITIONS) as running:
            for partition, orders in told.items():
                batch = plain_batch(partition, orders, ends[partition])
                if batch is not None:
                    await running.commit(batch)
                    ends[partition] = batch.end_offset


async def _tell_otherwise(run: Run, story: Story, random: Random) -> None:
    logs = {partition: Log(partition, random) for partition in ORDERS}
    for release, told in zip(RELEASES, (story.before, story.after), strict=True):
        queues = [logs[partition].batches(orders) for partition, orders in told.items()]
        pending = [queue for queue in queues if queue]
        while pending:
            async with instance(run, release(), claim=(), name=OTHER, partitions=PARTITIONS) as running:
                await _claim(run, running, logs, pending)
                for _ in range(random.randint(1, 6)):  # then it is restarted
                    pending = [queue for queue in pending if queue]
                    if pending:
                        await running.commit(random.choice(pending).pop(0))
            pending = [queue for queue in pending if queue]


async def _claim(run: Run, running: Instance, logs: dict[int, Log], pending: list[list[Batch]]) -> None:
    """Claim every partition, and see that it goes on where the former owner stopped."""
    ahead = {queue[0].partition: queue[0].first_offset for queue in pending}
    for partition, log in logs.items():
        assert (await running.claim(partition)).offset == ahead.get(partition, log.end)


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    # Making a failing story shorter would take longer than a test may; take `Phase.shrink` in to study one.
    phases=[Phase.explicit, Phase.generate],
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(story=stories(), random=st.randoms(use_true_random=False))
async def test_every_telling_of_a_story_leaves_the_same_tables(twins: Run, story: Story, random: Random) -> None:
    for name in (PLAIN, OTHER):
        await empty(twins, name.schema)
    async with asyncio.timeout(60):  # an owner tries a batch for ever
        await _tell_plainly(twins, story)
        await _tell_otherwise(twins, story, random)
    plain, other = [await _connect(twins, name) for name in (PLAIN, OTHER)]
    try:
        expected = await read_tables(plain)
        found = await read_tables(other)
        for table, rows in expected.items():
            assert found[table] == rows, table
        await check_consistent(plain)
        await check_consistent(other)
    finally:
        await plain.close()
        await other.close()


async def _connect(run: Run, name: InstanceName) -> asyncpg.Connection:
    return await connect(run.settings.postgres_dsn, name.schema, application="warren test")
