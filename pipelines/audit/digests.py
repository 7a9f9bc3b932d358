"""The audit's own digests of an event, made from their definition and not with the code that fills the ledger.

Identity: blake2b of 16 bytes over `source`, a line feed and `id`. Content: blake2b of 8 bytes, read as a signed
big-endian number, over type, line feed, subject, line feed and the data as JSON with sorted keys and no white space.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from hashlib import blake2b, sha256
from typing import Any

import orjson

BODY_BYTES = 8
"""How much of a body's SHA-256 is kept and compared; PostgreSQL computes the other side."""

NOTHING = sha256(b"").digest()[:BODY_BYTES]
"""The digest of the body of what was erased."""

CUSTOMER_BYTES = 32

_CUSTOMER = re.compile(rb'"customer_id"\s*:\s*("(?:[^"\\]|\\.)*")', re.DOTALL)
_NUMBER = re.compile(rb'"customer_id"\s*:\s*(-?[0-9][0-9.eE+-]*)')
_OTHERWISE = re.compile(rb'"customer_id"\s*:\s*[\[{]')


def identity_of(source: str, event_id: str) -> bytes:
    """Return who an event is, as the ledger's 16 bytes."""
    return blake2b(b"\n".join((source.encode(), event_id.encode())), digest_size=16).digest()


def content_of(event_type: str, order_id: str, data: Any) -> int:
    """Return what an event says, as the ledger's signed 64 bits.

    Raises:
        TypeError: the data is nested too deeply to be written as JSON again.
    """
    said = b"\n".join((event_type.encode(), order_id.encode(), orjson.dumps(data, option=orjson.OPT_SORT_KEYS)))
    return int.from_bytes(blake2b(said, digest_size=8).digest(), "big", signed=True)


def digest_of(body: bytes) -> bytes:
    """Return the first BODY_BYTES of the body's SHA-256."""
    return sha256(body).digest()[:BODY_BYTES]


def customer_digest(customer_id: str) -> bytes:
    """Return what the list of erased customers has of one: SHA-256 of `warren customer`, a line feed and the id."""
    return sha256(f"warren customer\n{customer_id}".encode(errors="surrogatepass")).digest()


def customers_in(body: bytes) -> bytes:
    """Return the digests of all customers that the bytes name in a member `customer_id`, one behind the other.

    A number is its digits. Of lists and objects, all that is in them.
    """
    found = set()
    if b"\\" in body or _OTHERWISE.search(body):
        members: list[tuple[str, Any]] = []

        def inside_of(pairs: list[tuple[str, Any]]) -> list[Any]:
            members.extend(pairs)
            return [value for _, value in pairs]

        with suppress(ValueError, RecursionError):
            json.loads(body, object_pairs_hook=inside_of, parse_int=str, parse_float=str)
            inside = [value for name, value in members if name == "customer_id"]
            while inside:
                value = inside.pop()
                if isinstance(value, str):
                    found.add(value)
                elif isinstance(value, list):
                    inside += value
    for text in _CUSTOMER.findall(body) if b'"customer_id"' in body else ():
        with suppress(ValueError):
            found.add(json.loads(text))
    for number in _NUMBER.findall(body) if b'"customer_id"' in body else ():
        found.add(number.decode())
    return b"".join(map(customer_digest, sorted(found)))
