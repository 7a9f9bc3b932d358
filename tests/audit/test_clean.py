"""Stores that are as they should be: an audit of zeros, with figures that add up."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipelines.audit import AuditReport, Finding, audit
from pipelines.audit.report import FIGURE_OF
from pipelines.engine.transport import publisher
from tests.audit.stores import FIGURES, SOUND, Fields, Stores, commit, publish, publish_raw
from tests.support.events import event
from tests.support.runs import Run


async def test_what_the_real_pipeline_made_is_clean(stores: Stores) -> None:
    report = await stores.audit()
    assert {name: getattr(report, name) for name in FIGURES} == FIGURES
    assert report.clean
    assert [finding.kind for finding in report.findings] == ["reused_id"]


async def test_a_record_that_is_no_amqp_message_belongs_in_quarantine_as_it_is(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publisher, "encode", lambda body, *_: body)
    await publish_raw(run.settings, 0, b"\x00\x01 no AMQP", b"")
    await commit(run.settings, SOUND())
    report = await audit(run.settings)
    assert report.clean, report.findings
    assert (report.events_in_stream, report.quarantined) == (2, 2)


async def test_times_at_the_calendars_ends_and_broken_traces_are_as_the_pipeline_stores_them(run: Run) -> None:
    odd: list[Fields] = [
        {"time": "0001-01-01T00:00:00Z", "traceparent": "broken"},
        {"time": "9999-12-31T23:59:59.9999999Z", "traceparent": f"00-{'0' * 32}-b7ad6b7169203331-01"},
        {"time": "2026-03-01T12:00:60.1234567+02:00", "traceparent": None},
    ]
    await publish(run.settings, [event("E1", "note_added", event_id=f"{n}", **ends) for n, ends in enumerate(odd)])
    await commit(run.settings, SOUND())
    report = await audit(run.settings)
    assert report.clean, report.findings
    assert report.applied == 3


def test_the_page_about_the_audit_knows_every_kind_and_figure() -> None:
    page = (Path(__file__).parents[2] / "docs" / "audit.md").read_text()
    rows = {
        line.split("|")[1].strip(): line.split("|")[2].strip() for line in page.splitlines() if line.count("|") == 4
    }
    assert {f"`{kind}`": f"`{figure}`" for kind, figure in FIGURE_OF.items()}.items() <= rows.items()
    named = set(re.findall(r"`(\w+)`", page))
    assert set(AuditReport.model_fields) | set(AuditReport.model_computed_fields) | set(Finding.model_fields) <= named
