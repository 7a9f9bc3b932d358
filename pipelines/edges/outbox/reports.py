"""What a relay tells of its outbox, by way of the hot cache, and how it is read again."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import orjson

from pipelines.edges.outbox.lag import Lag, Writer


def reports_key(prefix: str) -> str:
    """Return the key of a Redis hash: source of an outbox to its `Report` as JSON."""
    return f"{prefix}outboxes"


@dataclass(frozen=True, slots=True)
class Report:
    """How an outbox stood `at` a time in seconds since 1970."""

    lag: Lag
    at: float

    def to_json(self) -> bytes:
        """The fields of the lag, and `at` beside them."""
        return orjson.dumps({**asdict(self.lag), "at": self.at})

    @classmethod
    def from_json(cls, body: bytes) -> Report:
        """Read it. Raises ValueError, KeyError or TypeError where it is none, or another release's."""
        fields = orjson.loads(body)
        at = float(fields.pop("at"))
        return cls(Lag(**{**fields, "writers": [Writer(**writer) for writer in fields["writers"]]}), at)
