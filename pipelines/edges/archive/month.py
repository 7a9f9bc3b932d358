"""A month (UTC), by which tables are cut."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import NamedTuple

from schemas.errors import SettingsError

_FORM = re.compile(r"^(\d{4})-(0[1-9]|1[0-2])$")


class Month(NamedTuple):
    """A month. `str()` gives `2026-03`."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Month:
        """Read `2026-03`. Raises SettingsError for anything else."""
        match = _FORM.match(text)
        if match is None or match.group(1) == "0000":
            raise SettingsError(f"{text!r} names no month; write it like 2026-03")
        return cls(int(match.group(1)), int(match.group(2)))

    @classmethod
    def of(cls, moment: date) -> Month:
        """Return the month of a day, or of a moment, in UTC."""
        if isinstance(moment, datetime):
            moment = moment.astimezone(UTC)
        return cls(moment.year, moment.month)

    def plus(self, months: int) -> Month:
        """Return the month so many later; earlier where negative."""
        year, number = divmod(self.year * 12 + self.number - 1 + months, 12)
        return Month(year, number + 1)

    @property
    def day(self) -> date:
        """Its first day."""
        return date(self.year, self.number, 1)

    @property
    def begin(self) -> datetime:
        """Its first moment."""
        return datetime(self.year, self.number, 1, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        """The first moment after it."""
        return self.plus(1).begin

    @property
    def suffix(self) -> str:
        """What the names of its partitions end in, see the function `ensure_month`."""
        return f"_{self.year:04}_{self.number:02}"

    def __str__(self) -> str:
        return f"{self.year:04}-{self.number:02}"
