"""`warren run` that takes a silent server for dead within seconds, so that a test need not wait half a minute."""

from __future__ import annotations

from cli.main import main
from pipelines.engine.stores import postgres

IMPATIENT = ("tests.faults.entries.impatient",)


def be_impatient() -> None:
    """Shorten the database's time limit; the broker's heartbeats are as short in production."""
    postgres.ANSWER_SECONDS = 3.0


if __name__ == "__main__":
    be_impatient()
    main()
