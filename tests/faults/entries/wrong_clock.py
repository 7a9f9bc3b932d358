"""`warren run` on a machine whose clock is wrong: by DAYS, then the command's arguments."""

from __future__ import annotations

import datetime as datetimes
import sys
import time
from typing import Any

_true_time = time.time


def entry(days: int) -> tuple[str, ...]:
    """Return the entry of a `Processor`."""
    return ("tests.faults.entries.wrong_clock", str(days))


def _be_wrong_by(days: int) -> None:
    """Shift what Python code sees of the clock; call it before anything else is imported."""

    class Datetime(datetimes.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return super().now(tz) + datetimes.timedelta(days=days)

        @classmethod
        def utcnow(cls) -> Any:
            return cls.now(datetimes.UTC).replace(tzinfo=None)

    datetimes.datetime = Datetime  # type: ignore[misc]
    time.time = lambda: _true_time() + days * 86_400
    time.time_ns = lambda: int(time.time() * 1e9)


if __name__ == "__main__":
    _, shift, *rest = sys.argv
    sys.argv[1:] = rest
    _be_wrong_by(int(shift))
    from cli.main import main

    main()
