"""The record of who signed in and who did what: log lines of their own name, `warren.record`.

What changes an order is an event in the log, with the operator's name, for ever. Here is also what came of nothing.
"""

from __future__ import annotations

import logging
from typing import Any

log = logging.getLogger("warren.record")


def note(what: str, **fields: Any) -> None:
    """Write down what happened. No password, no token and no cookie may be among the fields.

    `who` did it, or tried to.
    """
    log.info(what, extra=fields)
