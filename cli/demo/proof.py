"""Wait until all that was published has taken effect, and let the audit prove it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from cli.demo.players import Players
from cli.demo.stage import VIEWS, Stage
from cli.demo.verdict import disagreements, faults, look, result
from cli.demo.visible import percentile
from pipelines.audit import audit
from pipelines.edges.outbox.audit import audit_outbox

SETTLE_SECONDS = 15.0
"""What has been applied must be readable on the board this soon after."""


@dataclass(frozen=True, slots=True)
class Proof:
    """The figures of a demo, and what is wrong with them, in one line each; nothing wrong: proven."""

    figures: dict[str, Any]
    wrong: list[str]


async def prove(stage: Stage, players: Players, begun: float) -> Proof:
    """Compare what is found with what is known, once all is applied. `begun`: when publishing did (monotonic).

    Raises:
        DemoFailed: the pipeline stalls.
        Whatever the audit raises where it cannot be made.
    """
    players.figures.doing = "waiting until all is applied"
    await stage.checkpoints.until_applied()
    seconds = time.monotonic() - begun
    unseen = await players.visibility.settle(SETTLE_SECONDS)
    players.figures.doing = "auditing"
    report = await audit(stage.settings, VIEWS)
    outboxes = {
        str(sender): await audit_outbox(stage.settings, outbox.dsn, VIEWS, lambda *_: None)
        for sender, outbox in stage.outboxes.items()
    }
    found = await look(stage.settings, stage.schema, await stage.checkpoints.read())
    disagreed = disagreements(players.tally, found, report)
    disagreed += [
        f"{len(report.missing)} of {report.events} events in the outbox of {service} are missing"
        for service, report in outboxes.items()
        if report.missing
    ]
    disagreed += [f"event {one.event_id} of order {one.order_id} is applied, but not on the board" for one in unseen]
    seen = players.visibility.milliseconds
    measured = {
        "seconds": round(seconds, 3),
        "events_per_second": round(players.tally.published / seconds, 1),
        "visible_ms_p50": _rounded(percentile(seen, 0.5)),
        "visible_ms_p99": _rounded(percentile(seen, 0.99)),
        "visible_samples": len(seen),
        "outboxes": {service: report.events for service, report in outboxes.items()},
        "disagreements": disagreed,
        "seed": players.seed,
    }
    return Proof(result(players.tally, found, report) | measured, faults(report) + disagreed)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
