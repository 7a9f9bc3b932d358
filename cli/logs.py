"""Log lines of a long-running command: one line an event, on stderr."""

from __future__ import annotations

import logging
import sys

import structlog
from structlog.dev import ConsoleRenderer, plain_traceback
from structlog.processors import ExceptionRenderer, JSONRenderer
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import Processor


def log_to_stderr(*, as_json: bool) -> None:
    """Send everything from level INFO up to stderr, for people or, `as_json`, as a JSON object a line.

    An error's trace shows the way to it and no variables: these hold passwords and customers' data, and to print them
    keeps the event loop from everything else for seconds.
    """
    before: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    ending: list[Processor] = (
        [ExceptionRenderer(ExceptionDictTransformer(show_locals=False)), JSONRenderer()]
        if as_json
        else [ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0, exception_formatter=plain_traceback)]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=before, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ending]
        )
    )
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
