"""`warren run` that takes a silent server for dead within seconds, so that a test need not wait half a minute."""

from __future__ import annotations

from cli.main import main
from pipelines.engine.stores import postgres
from pipelines.engine.transport import connection

IMPATIENT = ("tests.faults.entries.impatient",)


def be_impatient() -> None:
    """Shorten the time limits; the broker notices a silent client sooner, too."""
    connection.HEARTBEAT_SECONDS = 2
    postgres.ANSWER_SECONDS = 3.0


if __name__ == "__main__":
    be_impatient()
    main()
