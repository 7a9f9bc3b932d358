"""Each kind of fault is put into the stores by hand, found, counted in its figure, and named."""

from __future__ import annotations

from collections import Counter

import pytest

from pipelines.audit import Figure, Kind
from pipelines.audit.report import FAULTS, FIGURE_OF
from tests.audit.faults import Fault
from tests.audit.faults_ledger import LEDGER
from tests.audit.faults_set_aside import CHECKPOINTS, SET_ASIDE
from tests.audit.faults_timeline import TIMELINE
from tests.audit.faults_views import VIEWS
from tests.audit.stores import FIGURES, Stores

ALL = [*LEDGER, *TIMELINE, *VIEWS, *SET_ASIDE, *CHECKPOINTS]

_NAMELESS = (Kind.COUNTS, Kind.STAY_DAYS, Kind.CHECKPOINT, Kind.REUSED_ID)


@pytest.mark.parametrize("fault", ALL, ids=[fault.name for fault in ALL])
async def test_a_fault_is_found_and_named(stores: Stores, fault: Fault) -> None:
    await stores.connection.execute(fault.statements)
    report = await stores.audit()
    assert Counter(finding.kind for finding in report.findings) == Counter(fault.kinds) + Counter([Kind.REUSED_ID])
    figures = {figure: sum(n for kind, n in fault.kinds.items() if FIGURE_OF[kind] is figure) for figure in FAULTS}
    figures[Figure.ORDER_GAPS] = fault.gaps
    assert {figure: getattr(report, figure) for figure in FAULTS} == figures
    assert report.clean == (not fault.kinds)
    if fault.order is not None:
        assert {f.order_id for f in report.findings if f.kind not in _NAMELESS} <= {fault.order}
    unchanged = ("events_in_stream", "distinct", "duplicates", "pending", "orders", "unsettled", "reused_ids")
    assert {name: getattr(report, name) for name in unchanged} == {name: FIGURES[name] for name in unchanged}
    assert report.lost == report.distinct - report.applied - report.parked - report.quarantined


def test_every_kind_of_finding_has_its_fault_here() -> None:
    assert {kind for fault in ALL for kind in fault.kinds} >= set(Kind) - {Kind.NOT_IN_QUARANTINE, Kind.REUSED_ID}


async def test_each_quarantine_row_is_missed(stores: Stores) -> None:
    rows = await stores.connection.fetch(
        "DELETE FROM quarantine WHERE how IS NULL RETURNING partition, stream_offset, reason"
    )
    report = await stores.audit()
    assert report.lost == len(rows) == 7
    assert report.quarantined == 0
    missed = {(f.partition, f.offset) for f in report.findings if f.kind is Kind.NOT_IN_QUARANTINE}
    assert missed == {(row["partition"], row["stream_offset"]) for row in rows}
    assert {row["reason"] for row in rows} == {
        "unparsable", "invalid", "oversized", "forbidden_source", "misrouted", "conflict",
    }  # fmt: skip


async def test_each_ledger_row_is_missed_where_it_was(stores: Stores) -> None:
    """Every single one: no place in the stream, in a batch or in an order hides a fault."""
    rows = await stores.connection.fetch("DELETE FROM ledger WHERE NOT parked RETURNING partition, stream_offset")
    report = await stores.audit()
    assert report.lost == len(rows) == FIGURES["applied"]
    assert report.findings_left_out == len(rows) - 100
    named = {(f.partition, f.offset) for f in report.findings if f.kind is Kind.NOT_IN_LEDGER}
    assert named < {(row["partition"], row["stream_offset"]) for row in rows}


async def test_a_checkpoint_that_skipped_events_shows_them_as_lost(stores: Stores) -> None:
    skipped = await stores.connection.fetchval("SELECT sum(next_offset) FROM checkpoint")
    await stores.connection.execute("UPDATE checkpoint SET next_offset = next_offset + 1")
    report = await stores.audit()
    assert report.events_in_stream == skipped + 4
    assert report.pending == FIGURES["pending"] - 4
    assert report.lost == 4
    assert report.order_gaps == 4
    assert {f.order_id[0] for f in report.findings if f.kind is Kind.NOT_IN_LEDGER and f.order_id} == {"Z"}
    assert report.mismatches == 4  # each checkpoint's total of applied events


async def test_a_checkpoint_beyond_the_streams_end_is_named(stores: Stores) -> None:
    await stores.connection.execute("UPDATE checkpoint SET next_offset = 1000000 WHERE partition = 2")
    report = await stores.audit()
    beyond = [f for f in report.findings if f.kind is Kind.CHECKPOINT and f.offset == 1000000]
    assert [f.partition for f in beyond] == [2]
    assert report.lost > 0  # those it skipped


async def test_a_checkpoint_set_back_makes_what_lies_beyond_it_phantoms(stores: Stores) -> None:
    """Nothing may be there before its time."""
    last = await stores.connection.fetchrow(
        "SELECT partition, stream_offset FROM ledger WHERE NOT parked ORDER BY stream_offset DESC LIMIT 1"
    )
    await stores.connection.execute(
        "UPDATE checkpoint SET next_offset = $2 WHERE partition = $1", last["partition"], last["stream_offset"]
    )
    report = await stores.audit()
    phantoms = {
        f.kind for f in report.findings if f.partition == last["partition"] and f.offset == last["stream_offset"]
    }
    assert phantoms >= {Kind.LEDGER_PHANTOM, Kind.TIMELINE_PHANTOM}
    assert not report.clean


async def test_no_checkpoint_at_all_means_that_nothing_may_be_there(stores: Stores) -> None:
    await stores.connection.execute("DELETE FROM checkpoint")
    report = await stores.audit()
    assert (report.events_in_stream, report.distinct, report.lost) == (0, 0, 0)
    assert report.pending == FIGURES["events_in_stream"] + FIGURES["pending"]
    assert report.doubled >= FIGURES["applied"]
