"""What an audit says: figures, and each fault by name."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, computed_field


class Figure(StrEnum):
    """The figures a finding can count in. All but `reused_ids` are faults of the pipeline or its stores."""

    LOST = "lost"
    DOUBLED = "doubled"
    ORDER_GAPS = "order_gaps"
    MISMATCHES = "mismatches"
    REUSED_IDS = "reused_ids"


class Kind(StrEnum):
    """What is wrong. docs/audit.md says of each what it means; `FIGURE_OF` where it counts."""

    NOT_IN_LEDGER = "not_in_ledger"
    NOT_IN_QUARANTINE = "not_in_quarantine"
    QUARANTINED_WITHOUT_CAUSE = "quarantined_without_cause"
    QUARANTINED_OTHER_BYTES = "quarantined_other_bytes"
    PARKED_WITHOUT_ROW = "parked_without_row"

    LEDGER_PHANTOM = "ledger_phantom"
    TIMELINE_PHANTOM = "timeline_phantom"
    TIMELINE_DOUBLED = "timeline_doubled"
    PARKED_PHANTOM = "parked_phantom"
    QUARANTINE_PHANTOM = "quarantine_phantom"
    QUARANTINED_AND_APPLIED = "quarantined_and_applied"
    ORDER_DOUBLED = "order_doubled"
    ORDER_PHANTOM = "order_phantom"
    REVISION_AHEAD = "revision_ahead"

    TIMELINE_MISSING = "timeline_missing"
    TIMELINE_MISPLACED = "timeline_misplaced"
    APPLIED_AFTER_PARKED = "applied_after_parked"
    ORDER_UNKNOWN = "order_unknown"

    STAGE = "stage"
    PRICE = "price"
    PARTNER = "partner"
    REVISION_BEHIND = "revision_behind"
    ORDER_MISSING = "order_missing"
    ORDER_MISPLACED = "order_misplaced"
    ORDER_ROW = "order_row"
    TIMELINE_ROW = "timeline_row"
    LEDGER_ROW = "ledger_row"
    APPLIED_BUT_REJECTED = "applied_but_rejected"
    APPLIED_BUT_UNREADABLE = "applied_but_unreadable"
    QUARANTINE_REASON = "quarantine_reason"
    COUNTS = "counts"
    STAYS = "stays"
    STAY_DAYS = "stay_days"
    SETTLED = "settled"
    NOT_ERASED = "not_erased"
    CHECKPOINT = "checkpoint"

    REUSED_ID = "reused_id"


_KINDS: dict[Figure, list[Kind]] = {
    Figure.LOST: [
        Kind.NOT_IN_LEDGER, Kind.NOT_IN_QUARANTINE, Kind.QUARANTINED_WITHOUT_CAUSE, Kind.QUARANTINED_OTHER_BYTES,
        Kind.PARKED_WITHOUT_ROW,
    ],
    Figure.DOUBLED: [
        Kind.LEDGER_PHANTOM, Kind.TIMELINE_PHANTOM, Kind.TIMELINE_DOUBLED, Kind.PARKED_PHANTOM,
        Kind.QUARANTINE_PHANTOM, Kind.QUARANTINED_AND_APPLIED, Kind.ORDER_DOUBLED, Kind.ORDER_PHANTOM,
        Kind.REVISION_AHEAD,
    ],
    Figure.ORDER_GAPS: [
        Kind.TIMELINE_MISSING, Kind.TIMELINE_MISPLACED, Kind.APPLIED_AFTER_PARKED, Kind.ORDER_UNKNOWN,
    ],
    Figure.MISMATCHES: [
        Kind.STAGE, Kind.PRICE, Kind.PARTNER, Kind.REVISION_BEHIND, Kind.ORDER_MISSING, Kind.ORDER_MISPLACED,
        Kind.ORDER_ROW, Kind.TIMELINE_ROW, Kind.LEDGER_ROW, Kind.APPLIED_BUT_REJECTED, Kind.APPLIED_BUT_UNREADABLE,
        Kind.QUARANTINE_REASON, Kind.COUNTS, Kind.STAYS, Kind.STAY_DAYS, Kind.SETTLED,
        Kind.NOT_ERASED, Kind.CHECKPOINT,
    ],
    Figure.REUSED_IDS: [Kind.REUSED_ID],
}  # fmt: skip

FIGURE_OF: dict[Kind, Figure] = {kind: figure for figure, kinds in _KINDS.items() for kind in kinds}
"""The figure each kind of finding counts in."""

FAULTS = (Figure.LOST, Figure.DOUBLED, Figure.ORDER_GAPS, Figure.MISMATCHES)
"""The figures that must be 0."""


class Finding(BaseModel):
    """One thing that is not as it should be, with what names it; `offset` is the place in the partition."""

    kind: Kind
    figure: Figure
    detail: str
    order_id: str | None = None
    partition: int | None = None
    offset: int | None = None
    source: str | None = None
    event_id: str | None = None


class AuditReport(BaseModel):
    """The figures of one audit; docs/audit.md defines each.

    `distinct` = `applied` + `parked` + `quarantined` + `lost`, and `events_in_stream` = `distinct` + `duplicates`.
    """

    instance: str
    partitions: int
    orders: int
    events_in_stream: int
    distinct: int
    duplicates: int
    applied: int
    quarantined: int
    parked: int
    pending: int
    lost: int
    doubled: int
    order_gaps: int
    mismatches: int
    reused_ids: int
    unsettled: int
    seconds: float
    findings: list[Finding]
    findings_left_out: int

    @computed_field  # type: ignore[prop-decorator]
    @property
    def clean(self) -> bool:
        """Whether nothing was lost, doubled, out of order or different."""
        return not any(getattr(self, figure) for figure in FAULTS)
