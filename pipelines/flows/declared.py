"""The declared pipelines: what `warren run` can run and `warren migrate` must prepare."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from pipelines.engine.instance.projection import Projection
from pipelines.engine.stores.instances import InstanceName
from pipelines.flows.views import migrations as views_migrations
from pipelines.flows.views.projection import Views
from schemas.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Flow:
    """A pipeline instance: its name, how to make its projection, and its package of migrations."""

    name: InstanceName
    projection: Callable[[], Projection[Any, Any]]
    migrations: ModuleType


FLOWS = (Flow(InstanceName("views", 1), Views, views_migrations),)


def flow_named(name: str) -> Flow:
    """Return the declared instance of this name, such as `views@1`. Raises SettingsError."""
    wanted = InstanceName.parse(name)
    for flow in FLOWS:
        if flow.name == wanted:
            return flow
    known = ", ".join(str(flow.name) for flow in FLOWS)
    raise SettingsError(f"no pipeline {name!r} is declared; there are: {known}")
