"""The end of a demo that ends by itself: what the audit and the stores say, against what the simulator knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cli.demo.planned import Fate
from cli.demo.progress import Progress
from cli.demo.tally import Tally
from pipelines.audit import AuditReport
from pipelines.audit.report import FAULTS
from pipelines.engine.settings import Settings
from pipelines.engine.stores.named_sql import named_sql
from pipelines.engine.stores.postgres import connect

_ORDERS = named_sql(__package__, "orders_in_view")
_REASONS = named_sql(__package__, "quarantined_by_reason")


@dataclass(frozen=True, slots=True)
class Found:
    """What the stores hold: checkpoint totals, orders in the views, quarantined messages by reason."""

    progress: Progress
    orders: int
    reasons: Mapping[str, int]


async def look(settings: Settings, schema: str, progress: Progress) -> Found:
    """Read the views and the quarantine. Raises one of DATABASE_ERRORS where Postgres is away."""
    connection = await connect(settings.postgres_dsn, schema, application="warren demo")
    try:
        reasons = {row["reason"]: row["messages"] for row in await connection.fetch(_REASONS)}
        return Found(progress, await connection.fetchval(_ORDERS), reasons)
    finally:
        connection.terminate()


def disagreements(tally: Tally, found: Found, report: AuditReport) -> list[str]:
    """Name every figure on which simulator, stores and audit do not agree; none, and the figures are proven.

    A message that was published again for want of a confirm may be in the stream once more than counted.
    """
    fates, unsure = tally.fates, tally.uncertain
    more_bad = unsure[Fate.QUARANTINED]
    all_unsure = unsure.total()
    applied, parked, bad = fates[Fate.APPLIED], fates[Fate.PARKED], fates[Fate.QUARANTINED]
    again = fates[Fate.DUPLICATE]
    compared = [
        # what, what the simulator knows, how many more there may be, what was found
        ("events in the stream, by the audit", tally.published, all_unsure, report.events_in_stream),
        ("distinct, by the audit", tally.distinct, more_bad, report.distinct),
        ("applied, by the audit", applied, 0, report.applied),
        ("applied, by the checkpoints", applied, 0, found.progress.applied),
        ("parked, by the audit", parked, 0, report.parked),
        ("parked, by the checkpoints", parked, 0, found.progress.parked),
        ("quarantined, by the audit", bad, more_bad, report.quarantined),
        ("quarantined, by the checkpoints", bad, more_bad, found.progress.quarantined),
        ("duplicates dropped, by the checkpoints", again, all_unsure - more_bad, found.progress.duplicates),
        ("orders in the views", tally.orders, 0, found.orders),
        ("pending, by the audit", 0, 0, report.pending),
    ]
    for reason in sorted({*map(str, tally.reasons), *found.reasons}):
        known = sum(number for name, number in tally.reasons.items() if name == reason)
        compared.append((f"quarantined as {reason}", known, more_bad, found.reasons.get(reason, 0)))
    return [
        f"{what}: {there}, but the simulator knows of {known}" + (f" to {known + more}" if more else "")
        for what, known, more, there in compared
        if not known <= there <= known + more
    ]


def faults(report: AuditReport) -> list[str]:
    """Name what the audit found wrong, in one line each; empty where all is well."""
    figures = [f"{figure}: {getattr(report, figure)}" for figure in FAULTS if getattr(report, figure)]
    return (
        figures + [f"{finding.kind}: {finding.detail}" for finding in report.findings if finding.figure in FAULTS][:20]
    )


def result(tally: Tally, found: Found, report: AuditReport) -> dict[str, Any]:
    """Return the figures of the whole demo, for machines."""
    return {
        "published": tally.published,
        "distinct": report.distinct,
        "duplicates_dropped": found.progress.duplicates,
        "quarantined": report.quarantined,
        "quarantined_by_reason": dict(found.reasons),
        "parked": report.parked,
        "applied": report.applied,
        "orders": found.orders,
        "mismatches": report.mismatches,
        "lost": report.lost,
        "doubled": report.doubled,
        "order_gaps": report.order_gaps,
        "events_in_stream": report.events_in_stream,
        "published_again": tally.uncertain.total(),
    }
