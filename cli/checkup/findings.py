"""What an examination finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Result(StrEnum):
    """`WARNING`: it works, but something Warren promises is not given. `FAULT`: something does not work."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: what was found and, where it is not well, what to do."""

    check: str
    result: Result
    found: str
    advice: str = ""


def ok(check: str, found: str) -> Finding:
    """All is well."""
    return Finding(check, Result.OK, found)


def warning(check: str, found: str, advice: str) -> Finding:
    """It works, with less than is promised."""
    return Finding(check, Result.WARNING, found, advice)


def fault(check: str, found: str, advice: str) -> Finding:
    """Something does not work."""
    return Finding(check, Result.FAULT, found, advice)


def fault_said(check: str, error: BaseException | str, otherwise: str = "") -> Finding:
    """It does not work, as an error says in our usual form: what happened; what to do.

    One that says only what happened gets the advice `otherwise`.
    """
    message = (str(error) or type(error).__name__).removeprefix(f"{check} ")
    found, _, advice = message.rpartition("; ")
    return fault(check, found, advice) if found else fault(check, message, otherwise)
