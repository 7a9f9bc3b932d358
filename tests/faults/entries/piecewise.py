"""`warren run` whose batches are written piece by piece, each write a statement of its own, as very large ones are.

A batch is then a transaction of several round trips, and its owner can stand still in the middle of it.
"""

from __future__ import annotations

from cli.main import main
from pipelines.engine.stores import writes

PIECEWISE = ("tests.faults.entries.piecewise",)


def be_piecewise() -> None:
    """Leave no room in a statement for a second write."""
    writes.STATEMENT_BYTES = -1


if __name__ == "__main__":
    be_piecewise()
    main()
