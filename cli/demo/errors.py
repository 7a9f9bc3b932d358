"""What can end a demo beside a fault in the figures."""

from __future__ import annotations

from schemas.errors import WarrenError


class DemoFailed(WarrenError):
    """The demo cannot go on; the message says why and where to look."""
