"""What the archive raises on purpose. A message says what happened and what to do next, in one line."""

from __future__ import annotations

from schemas.errors import StoreUnavailable, WarrenError


class ArchiveError(WarrenError):
    """Something about the archive is not as it must be; nothing was changed by the step that found it."""


class ArchiveBusy(ArchiveError):
    """Somebody else archives, restores or erases just now, or holds a table that a month should leave."""


class ArchiveDamaged(ArchiveError):
    """A file is not there, or not as it was written, or its rows are not those of the database."""


class ArchiveAway(StoreUnavailable):
    """The folder or the object store does not answer, or is not there. Retry when it is back."""
