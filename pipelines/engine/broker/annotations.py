"""Handler arguments that FastStream fills in from its context."""

from __future__ import annotations

from typing import Annotated

from faststream import Context
from faststream.annotations import ContextRepo, Logger

from pipelines.engine.broker.broker import StreamBroker as _Broker
from pipelines.engine.broker.message import StreamBatch as _Batch
from pipelines.engine.broker.message import StreamRecord as _Record

StreamBroker = Annotated[_Broker, Context("broker")]
StreamRecord = Annotated[_Record, Context("message")]
StreamBatch = Annotated[_Batch, Context("message")]

__all__ = ["ContextRepo", "Logger", "StreamBatch", "StreamBroker", "StreamRecord"]
