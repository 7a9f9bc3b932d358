"""`warren run` as another release of the code would be: RELEASE, then the command's arguments."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import datetime

from cli.main import main
from pipelines.flows import declared
from pipelines.flows.views.projection import Views
from schemas.envelope import Envelope
from schemas.orders import Submitted
from schemas.views import OrderState, TimelineEntry
from tests.faults.entries.impatient import be_impatient
from tests.instance.releases import FirstRelease, SecondRelease


class BrokenRelease(Views):
    """A bad deploy: trips over every order that is submitted."""

    def fold(
        self, state: OrderState | None, event: Envelope, offset: int, recorded_at: datetime
    ) -> tuple[OrderState, TimelineEntry]:
        if isinstance(event, Submitted):
            raise KeyError("customer")
        return super().fold(state, event, offset, recorded_at)


RELEASES = {"broken": BrokenRelease, "first": FirstRelease, "second": SecondRelease}


def entry(release: str) -> tuple[str, ...]:
    """Return the entry of a `Processor`."""
    return ("tests.faults.entries.release", release)


if __name__ == "__main__":
    _, chosen, *rest = sys.argv
    sys.argv[1:] = rest
    be_impatient()
    declared.FLOWS = tuple(replace(flow, projection=RELEASES[chosen]) for flow in declared.FLOWS)  # type: ignore[assignment]
    main()
