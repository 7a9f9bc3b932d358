"""Every figure on which simulator, stores and audit differ is named; what may be uncertain is allowed for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from cli.demo.planned import Fate, Planned, Sender
from cli.demo.progress import Progress
from cli.demo.tally import Tally
from cli.demo.verdict import Found, disagreements
from pipelines.audit import AuditReport
from schemas.errors import Reason

TALLY = {Fate.APPLIED: 70, Fate.DUPLICATE: 9, Fate.QUARANTINED: 5, Fate.PARKED: 3}

FOUND = Found(Progress({0: 87}, 1, 70, 9, 5, 3), 7, {"invalid": 5})

REPORT: dict[str, Any] = {
    "instance": "views@1", "partitions": 1, "orders": 7, "events_in_stream": 87, "distinct": 78, "duplicates": 9,
    "applied": 70, "quarantined": 5, "parked": 3, "pending": 0, "lost": 0, "doubled": 0, "order_gaps": 0,
    "mismatches": 0, "reused_ids": 0, "unsettled": 0, "seconds": 0.1, "findings": [], "findings_left_out": 0,
}  # fmt: skip


def sent(fate: Fate) -> Planned:
    reason = Reason.INVALID if fate is Fate.QUARANTINED else None
    return Planned("o", Sender.SHOP, "e", "t", orjson.dumps({}), fate, reason)


def tally() -> Tally:
    made = Tally()
    for fate, number in TALLY.items():
        for _ in range(number):
            made.confirmed(sent(fate), first_of_order=False)
    made.orders = 7
    return made


def test_where_all_agree_nothing_is_named() -> None:
    assert disagreements(tally(), FOUND, AuditReport(**REPORT)) == []


@pytest.mark.parametrize("off", [-1, 1])
@pytest.mark.parametrize("figure", ["events_in_stream", "distinct", "applied", "parked", "quarantined"])
def test_each_figure_of_the_audit_is_compared(figure: str, off: int) -> None:
    named = disagreements(tally(), FOUND, AuditReport(**{**REPORT, figure: REPORT[figure] + off}))
    assert len(named) == 1
    assert named[0].startswith(
        f"{figure.replace('_', ' ').replace('events in stream', 'events in the stream')}, by the"
    )
    assert f": {REPORT[figure] + off}, but the simulator knows of {REPORT[figure]}" in named[0]


@pytest.mark.parametrize("off", [-1, 1])
@pytest.mark.parametrize("figure", ["applied", "duplicates", "quarantined", "parked"])
def test_each_total_of_the_checkpoints_is_compared(figure: str, off: int) -> None:
    wrong = replace(FOUND.progress, **{figure: getattr(FOUND.progress, figure) + off})
    named = disagreements(tally(), replace(FOUND, progress=wrong), AuditReport(**REPORT))
    assert len(named) == 1
    assert named[0].startswith(figure)
    assert "by the checkpoints" in named[0]


@pytest.mark.parametrize(
    ("found", "named"),
    [
        (replace(FOUND, orders=8), "orders in the views: 8, but the simulator knows of 7"),
        (replace(FOUND, reasons={"invalid": 4}), "quarantined as invalid: 4, but the simulator knows of 5"),
        (
            replace(FOUND, reasons={"invalid": 5, "conflict": 1}),
            "quarantined as conflict: 1, but the simulator knows of 0",
        ),
    ],
)
def test_orders_and_reasons_are_compared(found: Found, named: str) -> None:
    assert disagreements(tally(), found, AuditReport(**REPORT)) == [named]


def test_events_the_audit_did_not_reach_are_named() -> None:
    assert disagreements(tally(), FOUND, AuditReport(**{**REPORT, "pending": 1})) == [
        "pending, by the audit: 1, but the simulator knows of 0"
    ]


def test_what_was_published_again_may_be_there_twice_but_no_more_often() -> None:
    unsure = tally()
    unsure.unconfirmed([sent(Fate.APPLIED), sent(Fate.PARKED), sent(Fate.QUARANTINED)])
    more = AuditReport(**{**REPORT, "events_in_stream": 90, "distinct": 79, "quarantined": 6})
    found = Found(replace(FOUND.progress, duplicates=11, quarantined=6), 7, {"invalid": 6})
    assert disagreements(unsure, found, more) == []
    assert disagreements(unsure, FOUND, AuditReport(**REPORT)) == []
    too_many = replace(found, progress=replace(found.progress, duplicates=12))
    assert disagreements(unsure, too_many, more) == [
        "duplicates dropped, by the checkpoints: 12, but the simulator knows of 9 to 11"
    ]
    assert disagreements(unsure, found, AuditReport(**{**more.model_dump(exclude={"clean"}), "applied": 71})) == [
        "applied, by the audit: 71, but the simulator knows of 70"
    ]
