"""Does every message that may not take effect stand in quarantine with its bytes, and nothing else?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import asyncpg

from pipelines.audit.cutoffs import Cutoffs
from pipelines.audit.digests import NOTHING
from pipelines.audit.erased import Erased, each, read_erased
from pipelines.audit.findings import Findings
from pipelines.audit.remarks import Remarks
from pipelines.audit.report import Kind
from pipelines.audit.rows import AFTER_ALL, BEFORE_ALL
from pipelines.audit.world import RejectedRecord, World
from pipelines.engine.stores.named_sql import named_sql

_PAGE = named_sql(__package__, "quarantine_page")
_PAGE_ROWS = 2000

_FIRST, _LAST = (-(2**15) - 1, BEFORE_ALL), (2**15, AFTER_ALL)


class QuarantineCheck:
    """Compares quarantine and world side by side; `quarantined` and `applied` count the messages it accounted for.

    `applied` are those the ledger has although they belong in quarantine.
    """

    def __init__(self, world: World, remarks: Remarks, cutoffs: Cutoffs, found: Findings) -> None:
        self._world = world
        self._remarks = remarks
        self._cutoffs = cutoffs
        self._found = found
        self.quarantined = 0
        self.applied = 0

    async def run(self, connection: asyncpg.Connection) -> None:
        """Read the quarantine page by page. Raises as the database does."""
        after = _FIRST
        while after != _LAST:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                page = await connection.fetch(_PAGE, *after, _PAGE_ROWS)
                erased = await read_erased(connection)
            full = len(page) == _PAGE_ROWS
            up_to = (page[-1]["partition"], page[-1]["stream_offset"]) if full else _LAST
            self._compare(page, self._world.rejected_between(after, up_to), erased)
            after = up_to

    def _compare(self, page: list[asyncpg.Record], rejected: Iterable[RejectedRecord], erased: Erased) -> None:
        rows = {(row["partition"], row["stream_offset"]): row for row in page}
        for record in rejected:
            row = rows.pop((record.partition, record.offset), None)
            self._account(record, row, erased)
        for row in rows.values():
            self._explain(row)

    def _account(self, record: RejectedRecord, row: asyncpg.Record | None, erased: Erased) -> None:
        named: dict[str, Any] = {
            "order_id": record.order_id,
            "partition": record.partition,
            "offset": record.offset,
            "event_id": record.event_id,
        }
        verdict = f"{record.reason} ({record.why})"
        if row is None and self._remarks.is_applied(record.partition, record.offset):
            self.applied += 1
        elif row is None:
            self._found.add(Kind.NOT_IN_QUARANTINE, f"is {verdict}, but not in quarantine", **named)
        elif row["body"] != record.body and not (row["body"] == NOTHING and _may_lack(record, row, erased)):
            self._found.add(Kind.QUARANTINED_OTHER_BYTES, f"is {verdict}; the quarantine has other bytes", **named)
        else:
            self.quarantined += 1
            theirs = row["erased"] and erased.all_finished
            if row["body"] != NOTHING and (theirs or erased.must_lack(each(record.customers))):
                detail = "the quarantine has bytes that name an erased customer, or are of an order of one"
                self._found.add(Kind.NOT_ERASED, detail, **named)
            if row["reason"] != record.reason:
                self._found.add(Kind.QUARANTINE_REASON, f"is {verdict}, not {row['reason']}", **named)

    def _explain(self, row: asyncpg.Record) -> None:
        """A row of no message that belongs there."""
        partition, offset = row["partition"], row["stream_offset"]
        cutoff = self._cutoffs.ends.get(partition, 0)
        if cutoff <= offset < (row["next_offset"] or 0):
            return  # set aside after the audit began
        named: dict[str, Any] = {"partition": partition, "offset": offset, "order_id": row["subject"]}
        missing = self._remarks.take_missing(partition, offset)
        accepted = self._world.accepted_at(partition, offset)
        if missing is not None:
            names = named | {"order_id": missing.order_id, "source": missing.source, "event_id": missing.event_id}
            detail = f"stands in quarantine as {row['reason']}, but nothing is wrong with it"
            self._found.add(Kind.QUARANTINED_WITHOUT_CAUSE, detail, **names)
        elif accepted is not None:
            order_id, source, event_id = accepted
            names = named | {"order_id": order_id, "source": source, "event_id": event_id}
            detail = f"stands in quarantine as {row['reason']} and in the ledger too"
            self._found.add(Kind.QUARANTINED_AND_APPLIED, detail, **names)
        else:
            detail = f"stands in quarantine as {row['reason']}, but the stream has nothing there that belongs there"
            self._found.add(Kind.QUARANTINE_PHANTOM, detail, event_id=row["event_id"], **named)


def _may_lack(record: RejectedRecord, row: asyncpg.Record, erased: Erased) -> bool:
    return row["erased"] or erased.may_lack(each(record.customers))
