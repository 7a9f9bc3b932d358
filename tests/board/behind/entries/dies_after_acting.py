"""`warren board` that kills itself when the broker has confirmed what somebody did, before it says so."""

from __future__ import annotations

import os
import signal

from cli.main import main
from dashboards.operator.acting.actions import Actions
from dashboards.operator.acting.events import Event
from dashboards.operator.signin.people import Person

_take = Actions.take


async def take_and_die(self: Actions, person: Person, event: Event) -> None:
    await _take(self, person, event)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    Actions.take = take_and_die  # type: ignore[method-assign]
    main()
