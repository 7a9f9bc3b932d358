"""Who an event is and what it says, as fixed-size digests.

Identity is CloudEvents `source` + `id`: two events with the same identity are one event. Content is what must
not differ between them: type, subject and data; time and tracing may, as an honest retry sets them anew.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import orjson

IDENTITY_BYTES = 16


def identity(source: str, event_id: str) -> bytes:
    """Return the 16-byte identity of the event `event_id` of `source`.

    Neither may contain control characters (the envelope refuses them), so the separator is unambiguous.
    """
    return blake2b(f"{source}\n{event_id}".encode(), digest_size=IDENTITY_BYTES).digest()


def content_digest(event_type: str, subject: str, data: Any) -> int:
    """Return a signed 64-bit digest of what the event says.

    `data` is canonical JSON here: keys sorted, no white space, so that key order does not count.
    """
    canonical = orjson.dumps(data, option=orjson.OPT_SORT_KEYS)
    head = f"{event_type}\n{subject}\n".encode()
    return int.from_bytes(blake2b(head + canonical, digest_size=8).digest(), "big", signed=True)
