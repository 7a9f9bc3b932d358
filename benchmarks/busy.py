"""How busy the machine's cores were: a delay on a full machine says less of the program than of the machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Cores:
    """What all cores together have done since the machine began, and what of it was waiting; in ticks."""

    all: int
    idle: int

    @classmethod
    def now(cls) -> Cores:
        """Read it from the kernel (proc_stat(5): fields four and five are idle and waiting for a disk)."""
        user, nice, system, idle, wait, *others = map(
            int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
        )
        return cls(user + nice + system + idle + wait + sum(others), idle + wait)

    def busy_since(self, before: Cores) -> float:
        """Return the share of all cores that was at work, to hundredths."""
        return round(1 - (self.idle - before.idle) / max(1, self.all - before.all), 2)
