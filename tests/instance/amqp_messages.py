"""AMQP 1.0 messages as other clients encode them, byte by byte (OASIS AMQP 1.0, parts 1 and 3)."""

from __future__ import annotations

HEADER, DELIVERY, ANNOTATIONS, PROPERTIES = 0x70, 0x71, 0x72, 0x73
APPLICATION, DATA, SEQUENCE, VALUE, FOOTER = 0x74, 0x75, 0x76, 0x77, 0x78

NULL = b"\x40"
TRUE, FALSE = b"\x41", b"\x42"
LIST0 = b"\x45"


def section(code: int, value: bytes) -> bytes:
    """A section whose descriptor is a small ulong, as all clients write it."""
    return b"\x00\x53" + bytes([code]) + value


def long_section(code: int, value: bytes) -> bytes:
    """A section whose descriptor is a ulong of eight bytes."""
    return b"\x00\x80" + code.to_bytes(8, "big") + value


def binary(body: bytes, *, wide: bool = False) -> bytes:
    """vbin8, or vbin32 where it is `wide` or must be."""
    return _sized(b"\xa0", b"\xb0", body, wide)


def text(value: str, *, wide: bool = False) -> bytes:
    """str8 or str32."""
    return _sized(b"\xa1", b"\xb1", value.encode(), wide)


def symbol(value: str, *, wide: bool = False) -> bytes:
    """sym8 or sym32."""
    return _sized(b"\xa3", b"\xb3", value.encode(), wide)


def uuid(value: bytes) -> bytes:
    """A uuid of sixteen bytes."""
    return b"\x98" + value


def ulong(value: int) -> bytes:
    """A ulong in the widest form."""
    return b"\x80" + value.to_bytes(8, "big")


def timestamp(milliseconds: int) -> bytes:
    """Milliseconds since 1970."""
    return b"\x83" + milliseconds.to_bytes(8, "big", signed=True)


def list_(*values: bytes, wide: bool = False) -> bytes:
    """list8 or list32."""
    return _compound(b"\xc0", b"\xd0", values, wide)


def map_(*values: bytes, wide: bool = False) -> bytes:
    """map8 or map32 of keys and values in turn."""
    return _compound(b"\xc1", b"\xd1", values, wide)


def array(constructor: bytes, *values: bytes) -> bytes:
    """array8 of values of one type."""
    content = bytes([len(values)]) + constructor + b"".join(values)
    return b"\xe0" + bytes([len(content)]) + content


def _sized(narrow: bytes, wide_code: bytes, content: bytes, wide: bool) -> bytes:
    if wide or len(content) > 255:
        return wide_code + len(content).to_bytes(4, "big") + content
    return narrow + bytes([len(content)]) + content


def _compound(narrow: bytes, wide_code: bytes, values: tuple[bytes, ...], wide: bool) -> bytes:
    content = b"".join(values)
    if wide or len(content) > 250:
        return wide_code + (len(content) + 4).to_bytes(4, "big") + len(values).to_bytes(4, "big") + content
    return narrow + bytes([len(content) + 1, len(values)]) + content
