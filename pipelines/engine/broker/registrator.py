"""How subscribers and publishers are declared, on a broker or a router."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

from faststream.exceptions import SetupError

from pipelines.engine.broker._compat import CallsCollection, CustomCallable, Registrator
from pipelines.engine.broker.config import (
    Chosen,
    OnError,
    Policy,
    StreamBrokerConfig,
    StreamPublisherConfig,
    StreamPublisherSpecificationConfig,
    StreamSpecificationConfig,
    StreamSubscriberConfig,
)
from pipelines.engine.broker.offsets import Offset
from pipelines.engine.broker.publisher import StreamPublisher
from pipelines.engine.broker.specification import StreamPublisherSpecification, StreamSubscriberSpecification
from pipelines.engine.broker.subscriber import StreamSubscriber
from pipelines.engine.transport import COMPRESSIONS, Compression, EventFilter, Positions


class StreamRegistrator(Registrator[Any, StreamBrokerConfig]):
    """Declares subscribers and publishers."""

    def subscriber(  # type: ignore[override]  # each broker's signature is its own
        self,
        stream: str,
        *,
        batch: bool = False,
        offset: Offset | None = None,
        group: str | None = None,
        positions: Positions | None = None,
        partitions: int | None = None,
        batch_records: int = 4000,
        max_workers: int | None = None,
        on_error: OnError = "retry",
        stall_after: float = 60.0,
        only: EventFilter | None = None,
        parser: CustomCallable | None = None,
        decoder: CustomCallable | None = None,
        dependencies: Sequence[Any] = (),
        persistent: bool = True,
        title: str | None = None,
        description: str | None = None,
        include_in_schema: bool = True,
    ) -> StreamSubscriber:
        """Subscribe a handler to a stream or super stream.

        Without a group this process reads all partitions by itself, from `offset`; its positions are in memory. With
        a group each partition has one active member, and `positions` says where it goes on. Either way handlers get
        the records of a partition in order, one call at a time; partitions run concurrently.

        When the handler returns, its records are done. When it raises, none is skipped: see `on_error`.

        Args:
            stream: its name.
            batch: call the handler with a list of consecutive records of one partition instead of with each.
            offset: where to begin without a group; by default with the next new record.
            group: the consumer group's name; positions belong to it. Only for super streams.
            positions: where the group's positions are kept, and taken over from a former owner.
            partitions: how many partitions there must be; by default, as many as the broker says at the start.
            batch_records: a batch holds at most so many records; in a group also at most 4 MiB, or one record.
            max_workers: so many partitions are worked on at once; by default, all of them. Others wait their turn, and
                in a group their batches grow meanwhile.
            on_error: "retry" reads again from the failed record or batch, after a pause of 0.1 s that doubles up to
                10 s, for ever. "stop" stops the application and leaves the error in `failure`. A callable says which,
                by the exception. A lost connection is always retried.
            stall_after: seconds a handler may have a batch in hand before `ping` says that something is wrong; and,
                without a group, seconds the broker may send nothing of what it has before it is asked anew.
            only: read some records, by their filter values. There are gaps then, so a lost record looks like an
                unwanted one: not for what must take effect exactly once.
            parser: makes a FastStream message from a `Record` or a `Batch`.
            decoder: makes the handler's first argument from the message; by default the JSON value of the body, or
                its bytes where it is not JSON; for batches a list of these.
            dependencies: FastDepends dependencies.
            persistent: keep the subscriber alive with the broker; for tests.
            title, description, include_in_schema: for the AsyncAPI document.

        Raises:
            SetupError: a group without positions, positions without a group, a group with an offset, or a number or
                policy that makes no sense.
        """
        if (group is None) != (positions is None):
            raise SetupError("a group needs positions=, and positions a group=: they say where the group goes on")
        if group is not None and offset is not None:
            raise SetupError("a group goes on from its positions; offset= is for subscribers without one")
        for name, number in (
            ("max_workers", max_workers),
            ("partitions", partitions),
            ("batch_records", batch_records),
        ):
            if number is not None and number < 1:
                raise SetupError(f"{name}={number}: at least 1, or nothing is ever read")
        if stall_after <= 0:
            raise SetupError(f"stall_after={stall_after}: a handler needs some time; give seconds")
        if not callable(on_error) and on_error not in get_args(Policy):
            raise SetupError(f"on_error={on_error!r}: say {' or '.join(get_args(Policy))}, or give a callable")
        begin = offset or Offset.next()
        config = StreamSubscriberConfig(
            _outer_config=self.config,  # type: ignore[arg-type]  # FastStream passes the composition as a config
            stream=stream,
            batch=batch,
            offset=begin,
            group=group,
            positions=positions,
            partitions=partitions,
            batch_records=batch_records,
            max_workers=max_workers,
            on_error=on_error,
            stall_after=stall_after,
            only=only,
        )
        reader = f"consumer group `{group}`" if group else f"read from {begin.description}"
        calls: CallsCollection[Any] = CallsCollection()
        specification = StreamSubscriberSpecification(
            self.config,  # type: ignore[arg-type]
            StreamSpecificationConfig(
                stream=stream,
                facts=f"{reader}, in batches" if batch else reader,
                title_=title,
                description_=description,
                include_in_schema=include_in_schema,
            ),
            calls,
        )
        subscriber = StreamSubscriber(config, specification, calls)
        super().subscriber(subscriber, persistent=persistent)
        return subscriber.add_call(parser_=parser, decoder_=decoder, dependencies_=dependencies)

    def publisher(  # type: ignore[override]  # each broker's signature is its own
        self,
        stream: str,
        *,
        key: Chosen = None,
        filter_value: Chosen = None,
        timeout: float = 30.0,
        compression: Compression | None = None,
        persistent: bool = True,
        title: str | None = None,
        description: str | None = None,
        schema: Any | None = None,
        include_in_schema: bool = True,
    ) -> StreamPublisher:
        """Make a publisher: a decorator of handlers, or an object with `publish`.

        What a decorated handler returns is published before its record or batch counts as done: a list or tuple as
        one batch of its elements, None and an empty list not at all. If it cannot be confirmed, that is an error of
        the handler.

        Args:
            stream: a super stream, or a plain one, which is one partition.
            key: chooses a message's partition; a callable gets the body. Without one, messages are spread.
            filter_value: what readers may filter by with `only`, in ASCII; a callable gets the body.
            timeout: seconds for a batch to be confirmed.
            compression: "gzip": messages travel and are stored in compressed groups, a third of their size or less.
                They can have no filter values then, so a reader with `only` must ask for unfiltered ones too. "none":
                groups, uncompressed.
            persistent: keep the publisher alive with the broker; for tests.
            title, description, schema, include_in_schema: for the AsyncAPI document.

        Raises:
            SetupError: an unknown compression, or a filter value with one.
        """
        if compression not in (None, *COMPRESSIONS):
            raise SetupError(f"compression={compression!r}: it is one of {', '.join(COMPRESSIONS)}")
        if filter_value is not None and compression is not None:
            raise SetupError("compressed messages have no filter values; leave out filter_value= or compression=")
        config = StreamPublisherConfig(
            _outer_config=self.config,  # type: ignore[arg-type]
            stream=stream,
            key=key,
            filter_value=filter_value,
            timeout=timeout,
            compression=compression,
        )
        specification = StreamPublisherSpecification(
            self.config,  # type: ignore[arg-type]
            StreamPublisherSpecificationConfig(
                stream=stream,
                schema_=schema,
                title_=title,
                description_=description,
                include_in_schema=include_in_schema,
            ),
        )
        publisher = StreamPublisher(config, specification)
        super().publisher(publisher, persistent=persistent)
        return publisher
