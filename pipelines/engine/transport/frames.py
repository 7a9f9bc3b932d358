"""The protocol's StreamStats command, which rstream 1.1.1 does not know.

https://github.com/rabbitmq/rabbitmq-server/blob/main/deps/rabbitmq_stream/docs/PROTOCOL.adoc, command 0x001c. It is
how a stream says where it begins. rstream keeps its commands in an enumeration and its frames in a registry; both
are extended here, once, at import.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rstream import schema
from rstream.constants import Key, T

_STREAM_STATS = 0x001C


def _command(name: str, value: int) -> Key:
    try:
        return Key(value)
    except ValueError:
        member = object.__new__(Key)
        member._name_, member._value_ = name, value
        Key._member_map_[name] = member
        Key._value2member_map_[value] = member
        return member


@dataclass
class StreamStats(schema.Frame):
    """Ask for a stream's statistics."""

    key = _command("StreamStats", _STREAM_STATS)
    correlation_id: int = field(metadata={"type": T.uint32})
    stream: str = field(metadata={"type": T.string})


@dataclass
class StreamStatsResponse(schema.Frame, is_response=True):
    """The answer: pairs of name and number; -1 where the stream is empty."""

    key = _command("StreamStats", _STREAM_STATS)
    correlation_id: int = field(metadata={"type": T.uint32})
    response_code: int = field(metadata={"type": T.uint16})
    stats: list[Any] = field(metadata={"type": [T.string, T.int64]})


for _frame in (StreamStats, StreamStatsResponse):
    _frame.prepare()  # type: ignore[no-untyped-call]
