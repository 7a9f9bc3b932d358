"""A cell's text as a time, a number or an amount of money. Exact: nothing here passes through binary floating point."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Context, Decimal, Inexact, InvalidOperation
from zoneinfo import ZoneInfo

_DECIMAL = re.compile(r"^[+-]?[0-9]{1,18}(\.[0-9]{1,18})?$")
_INTEGER = re.compile(r"^[+-]?[0-9]{1,15}$")
_EXACT = Context(prec=60, traps=[Inexact, InvalidOperation])


class BadCell(ValueError):
    """A cell holds what its use does not allow. The message says what; the caller knows where."""


def moment(text: str, zone: ZoneInfo, time_format: str | None) -> datetime:
    """Return the time in UTC. Raises BadCell.

    A time without a zone is read in `zone`. Where clocks were put back and it happened twice, the first is meant;
    where they were put forward and it never happened, the clock before the change is meant, so that 00:30 in a gap of
    an hour is what the wall showed as 01:30. A date alone is its midnight.
    """
    try:
        time = datetime.fromisoformat(text) if time_format is None else datetime.strptime(text, time_format)  # noqa: DTZ007
        if time.tzinfo is None:
            time = time.replace(tzinfo=zone, fold=0)
        return time.astimezone(UTC)
    except ValueError as error:
        wanted = "an ISO 8601 time" if time_format is None else f"a time like {time_format}"
        raise BadCell(f"{text!r} is not {wanted}") from error
    except OverflowError as error:
        raise BadCell(f"{text!r} is out of range") from error


def integer(text: str) -> int:
    """Return a whole number of at most 15 digits. Raises BadCell."""
    if not _INTEGER.match(text):
        raise BadCell(f"{text!r} is not a whole number")
    return int(text)


def decimal(text: str) -> Decimal:
    """Return a decimal number, with every digit it is written with. Raises BadCell."""
    if not _DECIMAL.match(text):
        raise BadCell(f"{text!r} is not a decimal number such as 12.50")
    return Decimal(text)


def total(numbers: Iterable[Decimal]) -> Decimal:
    """Return the exact sum."""
    sum_so_far = Decimal(0)
    for number in numbers:
        sum_so_far = _EXACT.add(sum_so_far, number)
    return sum_so_far


def amount(value: Decimal) -> str:
    """Return money's one spelling: at least two decimal places, no more zeros than that.

    12.5, 12.50 and 12.500000 must not be told apart: a table exported twice in two ways would conflict with itself.
    """
    text = f"{value:f}"
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"
