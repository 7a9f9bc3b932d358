"""Events as AMQP 1.0 messages: the few bytes we write, and the body of whatever we read.

Format: OASIS AMQP 1.0, part 1 (types) and part 3 (messaging). We write a properties section (message-id and
content-type) and one data section. When reading, sections are stepped over by their encoded size and only the body
is taken: building the whole message costs ten times more.
"""

from __future__ import annotations

import functools
import struct

from schemas.envelope import CONTENT_TYPE
from schemas.errors import EventRejected, Reason

_PROPERTIES, _DATA, _SEQUENCE, _VALUE = 0x73, 0x75, 0x76, 0x77

# Encoded size of a value by the upper half of its format code: fixed widths, or the width of a length prefix.
_FIXED = {0x4: 0, 0x5: 1, 0x6: 2, 0x7: 4, 0x8: 8, 0x9: 16}
_PREFIXED = {0xA: 1, 0xB: 4, 0xC: 1, 0xD: 4, 0xE: 1, 0xF: 4}

_BINARY_OR_STRING = frozenset({0xA0, 0xB0, 0xA1, 0xB1})

_BEFORE_BODY = b"\x00\x53\x75\xb0"
# A properties section is a list of seven fields, of which the size is told without the size's own four bytes.
_PROPERTIES_HEAD = b"\x00\x53\x73\xd0"
_SHORT_ID, _LONG_ID = struct.Struct(">4sIIBB"), struct.Struct(">4sIIBI")
_head_and_size = struct.Struct(">4sI").unpack_from


def encode(body: bytes, message_id: str, content_type: str | None = CONTENT_TYPE) -> bytes:
    """Return the message with this body; `message_id` is at most 256 characters, `content_type` a short ASCII text."""
    name = message_id.encode()
    size = len(name)
    rest = _after_message_id(content_type)
    if size < 256:
        head = _SHORT_ID.pack(_PROPERTIES_HEAD, size + 6 + len(rest), 7, 0xA1, size)
    else:
        head = _LONG_ID.pack(_PROPERTIES_HEAD, size + 9 + len(rest), 7, 0xB1, size)
    return b"".join((head, name, rest, _BEFORE_BODY, len(body).to_bytes(4, "big"), body))


@functools.lru_cache(maxsize=64)
def _after_message_id(content_type: str | None) -> bytes:
    """The other properties: user-id, to, subject, reply-to and correlation-id are null; content-type is a symbol."""
    if content_type is None:
        return b"\x40\x40\x40\x40\x40\x40"
    return b"\x40\x40\x40\x40\x40\xa3" + bytes([len(content_type)]) + content_type.encode("ascii")


def body_of(record: bytes) -> bytes:
    """Return the body of an AMQP message: its data sections joined, or its one binary or string value.

    Raises:
        EventRejected: `record` is no AMQP 1.0 message, or its body is a sequence or another kind of value.
    """
    try:  # laid out as `encode` does, as nearly all are: a fifth of the work
        head, size = _head_and_size(record)
        if head == _PROPERTIES_HEAD:
            before, length = _head_and_size(record, 8 + size)
            if before == _BEFORE_BODY and 16 + size + length == len(record):
                return record[16 + size :]
    except struct.error:
        pass
    return _body_of_any(record)


def _body_of_any(record: bytes) -> bytes:
    parts: list[bytes] = []
    position, end = 0, len(record)
    try:
        while position < end:
            section, position = _section(record, position)
            start, stop = _extent(record, position)
            if section in (_DATA, _VALUE):
                if record[position] not in _BINARY_OR_STRING:
                    raise EventRejected(Reason.UNPARSABLE, "the AMQP body is neither binary nor text")
                parts.append(record[start:stop])
            elif section == _SEQUENCE:
                raise EventRejected(Reason.UNPARSABLE, "the AMQP body is a sequence")
            position = stop
    except (IndexError, KeyError, ValueError) as error:
        raise EventRejected(Reason.UNPARSABLE, "not an AMQP 1.0 message") from error
    if not parts:
        raise EventRejected(Reason.UNPARSABLE, "the AMQP message has no body")
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _section(record: bytes, position: int) -> tuple[int, int]:
    """The section's descriptor code, and where its value begins."""
    if record[position] != 0:
        raise ValueError("a section begins with a descriptor")
    code = record[position + 1]
    if code == 0x53:
        return record[position + 2], position + 3
    if code == 0x80:
        return int.from_bytes(record[position + 2 : position + 10], "big"), position + 10
    raise ValueError("a section's descriptor is an unsigned long")


def _extent(record: bytes, position: int) -> tuple[int, int]:
    """Where the value's content begins and ends."""
    kind = record[position] >> 4
    start = position + 1
    if kind in _FIXED:
        stop = start + _FIXED[kind]
    else:
        width = _PREFIXED[kind]
        start += width
        stop = start + int.from_bytes(record[position + 1 : start], "big")
    if stop > len(record):
        raise ValueError("the value ends after the message")
    return start, stop
