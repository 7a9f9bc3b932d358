"""The views as two releases of the code would fold them: the first trips over some events, the second does not."""

from __future__ import annotations

from datetime import datetime

from pipelines.flows.views.projection import Views
from schemas.envelope import Envelope, Identified
from schemas.errors import UnknownVersion
from schemas.orders import NoteAdded
from schemas.views import OrderState, TimelineEntry


class FirstRelease(Views):
    """Raises on notes that say "poison", and cannot read version 2 of anything."""

    def fold(
        self, state: OrderState | None, event: Envelope, offset: int, recorded_at: datetime
    ) -> tuple[OrderState, TimelineEntry]:
        if isinstance(event, NoteAdded) and event.data.text == "poison":
            raise KeyError("colour")
        return super().fold(state, event, offset, recorded_at)


class SecondRelease(Views):
    """Folds every note, and reads version 2 as a plain event."""

    def parse(self, body: bytes) -> Identified:
        try:
            return super().parse(body)
        except UnknownVersion as unknown:
            return unknown.identified
