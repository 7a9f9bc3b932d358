"""Stores that are as they should be: an audit of zeros, with figures that add up."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipelines.audit import AuditReport, Finding, audit
from pipelines.audit.report import FIGURE_OF
from pipelines.engine.transport import publisher
from tests.audit.stores import FIGURES, SOUND, Stores, commit, publish_raw
from tests.support.runs import Run


async def test_what_the_real_pipeline_made_is_clean(stores: Stores) -> None:
    report = await stores.audit()
    assert {name: getattr(report, name) for name in FIGURES} == FIGURES
    assert report.clean
    assert [finding.kind for finding in report.findings] == ["reused_id"]


async def test_a_record_that_is_no_amqp_message_belongs_in_quarantine_as_it_is(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publisher, "encode", lambda body, _: body)
    await publish_raw(run.settings, 0, b"\x00\x01 no AMQP", b"")
    await commit(run.settings, SOUND())
    report = await audit(run.settings)
    assert report.clean, report.findings
    assert (report.events_in_stream, report.quarantined) == (2, 2)


def test_the_page_about_the_audit_knows_every_kind_and_figure() -> None:
    page = (Path(__file__).parents[2] / "docs" / "audit.md").read_text()
    rows = {
        line.split("|")[1].strip(): line.split("|")[2].strip() for line in page.splitlines() if line.count("|") == 4
    }
    assert {f"`{kind}`": f"`{figure}`" for kind, figure in FIGURE_OF.items()}.items() <= rows.items()
    named = set(re.findall(r"`(\w+)`", page))
    assert set(AuditReport.model_fields) | set(AuditReport.model_computed_fields) | set(Finding.model_fields) <= named
