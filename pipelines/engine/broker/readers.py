"""Make a partition's reader as a subscriber's configuration says: a member of its group, or one by itself."""

from __future__ import annotations

from pipelines.engine.broker.config import StreamBrokerConfig, StreamSubscriberConfig
from pipelines.engine.broker.group import GroupPartition
from pipelines.engine.broker.independent import IndependentPartition
from pipelines.engine.broker.partition import Partition, Work
from pipelines.engine.transport import GroupConsumer, Turns


def reader(
    broker: StreamBrokerConfig,
    config: StreamSubscriberConfig,
    name: str,
    number: int,
    stream: str,
    work: Work,
    turns: Turns,
) -> Partition:
    """Return the reader of partition `number`, whose stream is `stream`; `name` is that of the super stream."""
    if config.group is None or config.positions is None:
        return IndependentPartition(
            number,
            broker.url,
            stream,
            offset=config.offset,
            batch_records=config.batch_records,
            turns=turns,
            only=config.only,
            work=work,
            on_error=config.on_error,
            stall_after=config.stall_after,
        )
    consumer = GroupConsumer(
        broker.address,
        stream,
        partition=number,
        super_stream=name,
        group=config.group,
        positions=config.positions,
        batch_records=config.batch_records,
        turns=turns,
        only=config.only,
    )
    return GroupPartition(
        number,
        consumer,
        stream,
        positions=config.positions,
        work=work,
        on_error=config.on_error,
        stall_after=config.stall_after,
    )
