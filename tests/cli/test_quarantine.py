"""`warren quarantine`."""

from __future__ import annotations

from pipelines.engine.transport import Message, SuperStreamPublisher
from schemas.streams import partition_of
from tests.cli.support import Warren
from tests.support.events import event, message
from tests.support.pipelines import caught_up, running_pipeline
from tests.support.runs import Run

UGLY = b"\x1b[31m[bold]\xff\x00"


async def test_bad_events_are_listed_and_shown_safely(warren: Warren, run: Run) -> None:
    assert (await warren("quarantine", "list", "--json")).json == {"quarantined": [], "more": False}
    bad = [
        Message("A1", UGLY, "1", "x"),
        message(event("A1", "initiated", source="/\x1b]0;owned")),
        message(event("A1", "initiated", source="/nobody")),
    ]
    async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher, running_pipeline(run):
        await publisher.publish(bad)
        await caught_up(run)

    listed = (await warren("quarantine", "list", "--json")).json
    assert {row["reason"] for row in listed["quarantined"]} == {"unparsable", "invalid", "forbidden_source"}
    assert listed["more"] is False
    few = (await warren("quarantine", "list", "--limit", "1", "--json")).json
    assert (len(few["quarantined"]), few["more"]) == (1, True)
    (only,) = (await warren("quarantine", "list", "--reason", "unparsable", "--json")).json["quarantined"]
    home = partition_of("A1", 4)
    assert (only["partition"], only["stream_offset"]) == (home, 0)

    shown = await warren("quarantine", "list")
    assert "forbidden_source" in shown.words
    assert "\x1b]0" not in shown.stdout

    one = await warren("quarantine", "show", f"{home}:0", "--json")
    assert one.json["body"] == "\\x1b[31m[bold]\\xff\\x00"
    assert one.json["size_bytes"] == len(UGLY)
    table = await warren("quarantine", "show", f"{home}:0")
    assert "\\x1b[31m[bold]\\xff\\x00" in table.words
    assert "\x1b[31m" not in table.stdout


async def test_an_event_that_is_not_there_is_one_line(warren: Warren) -> None:
    (await warren("quarantine", "show", "0:7")).failed(1, "no event 0:7", "warren quarantine list")
    (await warren("quarantine", "show", "99999:7")).failed(2, "PARTITION:OFFSET")
