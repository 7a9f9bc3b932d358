"""Sub-entries: records published together as one entry, mostly compressed. Each record has an offset of its own.

https://github.com/rabbitmq/rabbitmq-server/blob/main/deps/rabbitmq_stream/docs/PROTOCOL.adoc, "SubEntryBatch". One
layout serves both ways: as it is stored in a chunk, and, behind a publishing id, as it is published.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Sequence
from typing import Literal, get_args

Compression = Literal["none", "gzip"]
"""How sub-entries can be published here."""

COMPRESSIONS: tuple[Compression, ...] = get_args(Compression)

_CODES = ("none", "gzip", "snappy", "lz4", "zstd")

_HEAD = struct.Struct(">BHII")
_GZIP_WINDOW = 31  # zlib's way to say: gzip, not zlib's own format

MOST_RECORDS = 0xFFFF
"""A sub-entry's count of records has 16 bits."""


def pack(records: Sequence[bytes], compression: Compression) -> bytes:
    """Return the records as one sub-entry. There are 1 to `MOST_RECORDS` of them."""
    plain = b"".join(part for record in records for part in (len(record).to_bytes(4, "big"), record))
    data = gzip.compress(plain, compresslevel=6, mtime=0) if compression == "gzip" else plain
    kind = 0x80 | _CODES.index(compression) << 4
    return _HEAD.pack(kind, len(records), len(plain), len(data)) + data


def unpack(chunk: bytes, position: int, records: list[bytes]) -> int:
    """Append the records of the sub-entry at `position` and return where the next entry begins.

    Raises:
        ValueError: it does not hold what its head says, or is compressed in a way that cannot be read here.
    """
    try:
        kind, count, plain_size, size = map(int, _HEAD.unpack_from(chunk, position))
    except struct.error as error:
        raise ValueError("a sub-entry's head is cut off") from error
    start = position + _HEAD.size
    end = start + size
    if end > len(chunk):
        raise ValueError("a sub-entry ends after its chunk")
    plain = _decompress(chunk[start:end], (kind >> 4) & 7, plain_size)
    at = 0
    for _ in range(count):
        begin = at + 4
        at = begin + int.from_bytes(plain[at:begin], "big")
        records.append(plain[begin:at])
    if at != len(plain):
        raise ValueError(f"a sub-entry's records take {at} bytes, and it has {len(plain)}")
    return end


def _decompress(data: bytes, code: int, size: int) -> bytes:
    name = _CODES[code] if code < len(_CODES) else f"method {code}"
    if name == "none":
        plain = data
    elif name == "gzip":
        try:
            # No more than was announced, whatever the bytes would unfold to.
            plain = zlib.decompressobj(_GZIP_WINDOW).decompress(data, size + 1)
        except zlib.error as error:
            raise ValueError(f"a sub-entry is no valid gzip: {error}") from error
    else:
        raise ValueError(f"a sub-entry is compressed with {name}, and only gzip is read here; publish with gzip")
    if len(plain) != size:
        raise ValueError(f"a sub-entry has {len(plain)} bytes or more, not {size}")
    return plain
