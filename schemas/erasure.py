"""Customers who asked to be forgotten: how they are listed, and how a message names one."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

ERASED = ""
"""Stands for the id of an erased customer. No event can say it: a name has at least one character."""

_NAMED = re.compile(rb'"customer_id"\s*:\s*(?:("(?:[^"\\]|\\.)*")|(-?[0-9][0-9.eE+-]*))', re.DOTALL)


def customer_digest(customer_id: str) -> bytes:
    """Return what the list of erased customers holds of an id: SHA-256 of it and of a prefix that is of this use alone.

    It keeps the id out of the list, but whoever guesses an id can see whether it is in there.
    """
    return hashlib.sha256(b"warren customer\n" + customer_id.encode("utf-8", "surrogatepass")).digest()


def customers_named(body: bytes) -> set[str]:
    """Return the customers that a message names in any member `customer_id`, be it valid, or JSON at all, or not.

    A number counts as its digits, and what is inside a list or an object as well.
    """
    if b"customer_id" not in body and b"\\" not in body:
        return set()
    found: set[str] = set()

    def look(members: list[tuple[str, Any]]) -> dict[str, Any]:
        for name, value in members:
            if name == "customer_id":
                found.update(_words(value))
        return dict(members)

    try:
        json.loads(body, object_pairs_hook=look, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        for text, number in _NAMED.findall(body):
            with suppress(ValueError):
                found.add(json.loads(text) if text else number.decode())
    return found


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _words(one)
