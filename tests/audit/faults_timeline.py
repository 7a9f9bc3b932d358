"""Faults in the timelines."""

from __future__ import annotations

from pipelines.audit import Kind
from tests.audit.faults import Fault, delete, timeline_row, update

TIMELINE = [
    Fault("a timeline row is gone", delete("timeline", "B3", 1), {Kind.TIMELINE_MISSING: 1}, gaps=1),
    Fault("a closed order's timeline row is gone", delete("timeline", "A1", 9), {Kind.TIMELINE_MISSING: 1}, 1, "A1"),
    Fault("a whole timeline is gone", delete("timeline", "B3"), {Kind.TIMELINE_MISSING: 4}, gaps=1),
    Fault("a timeline row twice", timeline_row("B3", "stream_offset", "0"), {Kind.TIMELINE_DOUBLED: 1}, gaps=1),
    Fault(
        "a timeline row again beyond the checkpoint",
        timeline_row("B3", "stream_offset", "1000000"),
        {Kind.TIMELINE_DOUBLED: 1},
        gaps=1,
    ),
    Fault(
        "a timeline row twice at its offset",
        timeline_row("B3", "recorded_at", "recorded_at + interval '1 second'"),
        {Kind.TIMELINE_DOUBLED: 1},
        gaps=1,
    ),
    Fault(
        "a timeline row of no event",
        timeline_row("B3", "partition, identity", "partition, '\\x0102'").replace(
            "SELECT order_no, stream_offset", "SELECT order_no, 0"
        ),
        {Kind.TIMELINE_PHANTOM: 1},
        gaps=1,
    ),
    Fault(
        "two timeline rows in each other's place",
        f"{update('timeline', 'stream_offset = -1', 'B3', 1)};"
        f" {update('timeline', 'stream_offset = AT(B3, 1)', 'B3', 2)};"
        " UPDATE timeline SET stream_offset = AT(B3, 2) WHERE stream_offset = -1",
        {Kind.TIMELINE_MISPLACED: 2},
        gaps=1,
    ),
    Fault("a stage in the timeline", update("timeline", "stage = 'shipped'", "B3", 1), {Kind.STAGE: 1}),
    Fault("a type in the timeline", update("timeline", "event_type = 'x'", "B3", 1), {Kind.TIMELINE_ROW: 1}),
    Fault("an id in the timeline", update("timeline", "event_id = 'x'", "B3", 1), {Kind.TIMELINE_ROW: 1}),
    Fault("a source in the timeline", update("timeline", "source = '/crm'", "B3", 1), {Kind.TIMELINE_ROW: 1}),
    Fault("a revision in the timeline", update("timeline", "revision = 9", "B3", 1), {Kind.TIMELINE_ROW: 1}),
    Fault("a partition in the timeline", update("timeline", "partition = 9", "B3", 1), {Kind.TIMELINE_ROW: 1}),
    Fault("bytes in the timeline", update("timeline", "body = body || ' '", "B3", 1), {Kind.TIMELINE_ROW: 1}),
    Fault(
        "a recorded time in the timeline",
        update("timeline", "recorded_at = recorded_at + interval '1 millisecond'", "B3", 1),
        {Kind.TIMELINE_ROW: 1},
    ),
    Fault(
        "an event's time in the timeline",
        update("timeline", "event_time = event_time + interval '1 microsecond'", "B3", 1),
        {Kind.TIMELINE_ROW: 1},
    ),
    Fault(
        "an infinite time in the timeline",
        update("timeline", "event_time = 'infinity'", "B3", 1),
        {Kind.TIMELINE_ROW: 1},
    ),
    Fault("a trace in the timeline", update("timeline", "trace_id = repeat('1', 32)", "B3", 1), {Kind.TIMELINE_ROW: 1}),
    Fault("no trace in the timeline", update("timeline", "trace_id = NULL", "B3", 1), {Kind.TIMELINE_ROW: 1}),
]
