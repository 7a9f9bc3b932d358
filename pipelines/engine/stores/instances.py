"""Pipeline instances: `views@1` is version 1 of pipeline `views`, and owns the Postgres schema `views_v1`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from schemas.errors import SettingsError

_FORM = re.compile(r"^([a-z][a-z0-9_]{0,40})@([1-9][0-9]{0,5})$")

CONTROL_SCHEMA = "warren"
"""The schema of what is common to all instances: which version of a pipeline is live."""


@dataclass(frozen=True, slots=True)
class InstanceName:
    """A pipeline and its version. `str()` gives `views@1`, which is also the consumer group's name."""

    pipeline: str
    version: int

    @classmethod
    def parse(cls, text: str) -> InstanceName:
        """Read `views@1`. Raises SettingsError for anything else."""
        match = _FORM.match(text)
        if match is None:
            raise SettingsError(f"{text!r} names no pipeline instance; write it like views@1")
        return cls(match.group(1), int(match.group(2)))

    @property
    def schema(self) -> str:
        """The Postgres schema this instance owns."""
        return f"{self.pipeline}_v{self.version}"

    def __str__(self) -> str:
        return f"{self.pipeline}@{self.version}"
