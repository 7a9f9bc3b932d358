"""How times are written for people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def moment(value: datetime) -> str:
    """`2026-03-01 12:00:00`, in UTC."""
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def duration(length: timedelta) -> str:
    """`2 d 4 h`: the two largest of days, hours, minutes and seconds; `0.4 s` below ten seconds."""
    seconds = max(0.0, length.total_seconds())
    if seconds < 10:
        return f"{seconds:.1f} s"
    parts = [(int(seconds) // 86400, "d"), (int(seconds) // 3600 % 24, "h"), (int(seconds) // 60 % 60, "min")]
    parts.append((int(seconds) % 60, "s"))
    first = next(place for place, (amount, _) in enumerate(parts) if amount)
    return " ".join(f"{amount} {unit}" for amount, unit in parts[first : first + 2] if amount)
