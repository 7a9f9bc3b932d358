"""`warren run` on a machine whose clock is wrong: by DAYS, then the command's arguments."""

from __future__ import annotations

import datetime as datetimes
import sys
import time
from datetime import datetime, timedelta, tzinfo
from typing import Any


def entry(days: int) -> tuple[str, ...]:
    """Return the entry of a `Processor`."""
    return ("tests.faults.entries.wrong_clock", str(days))


class _Anyones(type):
    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, datetime)


def _be_wrong_by(days: int) -> None:
    """Shift what Python code sees of the clock; call it before anything else is imported."""
    true_time = time.time

    class Datetime(datetime, metaclass=_Anyones):
        """Makes plain datetimes: some code takes no others."""

        __slots__ = ()

        def __new__(cls, *given: Any, **named: Any) -> Any:
            return datetime(*given, **named)  # noqa: DTZ001 - the zone is as given

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return datetime.now(tz) + timedelta(days=days)

    for name in ("combine", "fromisoformat", "fromordinal", "fromtimestamp", "strptime", "utcfromtimestamp"):
        setattr(Datetime, name, staticmethod(getattr(datetime, name)))
    datetimes.datetime = Datetime  # type: ignore[misc]
    time.time = lambda: true_time() + days * 86_400
    time.time_ns = lambda: int(time.time() * 1e9)


if __name__ == "__main__":
    _, shift, *rest = sys.argv
    sys.argv[1:] = rest
    _be_wrong_by(int(shift))
    from cli.main import main

    main()
