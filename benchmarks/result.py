"""What a benchmark says: a figure, beside a limit measured in the same run, and under which conditions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True, slots=True)
class Result:
    """`value` and `limit` are medians, in `unit`; `ratio` is value / limit (limit / value where less is better)."""

    name: str
    value: float
    unit: str
    limit: float
    limit_is: str
    less_is_better: bool = False
    conditions: Mapping[str, object] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """Return the result as the contract of `make bench` has it."""
        ratio = self.limit / self.value if self.less_is_better else self.value / self.limit
        return {
            "value": round(self.value, 3),
            "unit": self.unit,
            "limit": round(self.limit, 3),
            "ratio": round(ratio, 3),
            "conditions": {"limit_is": self.limit_is, **self.conditions},
        }


def medians(runs: list[tuple[float, float]]) -> tuple[float, float]:
    """Return the medians of the values and of the limits of paired runs."""
    return median(value for value, _ in runs), median(limit for _, limit in runs)
