"""Customers who asked to be forgotten: how they are listed, and how a message names one."""

from __future__ import annotations

import hashlib
import re

import orjson

ERASED = ""
"""Stands for the id of an erased customer. No event can say it: a name has at least one character."""

_NAMED = re.compile(rb'"customer_id"\s*:\s*("(?:[^"\\]|\\.)*")', re.DOTALL)


def customer_digest(customer_id: str) -> bytes:
    """Return what the list of erased customers holds of an id: SHA-256 of it and of a prefix that is of this use alone.

    It keeps the id out of the list, but whoever guesses an id can see whether it is in there.
    """
    return hashlib.sha256(b"warren customer\n" + customer_id.encode("utf-8", "surrogatepass")).digest()


def customers_named(body: bytes) -> set[str]:
    """Return the customers that a message names in any member `customer_id`, be it valid, or JSON at all, or not."""
    if b'"customer_id"' not in body:
        return set()
    found = set()
    for text in _NAMED.findall(body):
        try:
            found.add(orjson.loads(text))
        except orjson.JSONDecodeError:
            continue
    return found
