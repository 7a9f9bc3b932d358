"""The Olist sample: its events by the importer, and the truth about its orders by DuckDB."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from pipelines.edges.importer import CsvTables, ImportResult, Reject, import_orders, load_mapping

ROOT = Path(__file__).parents[2]
FOLDER = ROOT.parent / "shared" / "data" / "olist-sample"
FILES = [FOLDER / "orders.csv.gz", FOLDER / "order_items.csv.gz"]
MAPPING = ROOT / "docs" / "examples" / "olist" / "mapping.toml"
ORDERS, EVENTS = 8135, 29496

ABSENT = "the Olist sample is not here: ../shared/data/olist-sample"


@dataclass(frozen=True, slots=True)
class Step:
    """One event in an order's timeline."""

    event_id: str
    source: str
    event_time: datetime
    stage: str
    held_seconds: float | None
    anomalies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an order stands after all its events."""

    stage: str
    partner: str | None
    customer_id: str | None
    opened_at: datetime
    revision: int
    anomalies: int


class Truth:
    """What DuckDB computes straight from the CSV files (sql/olist_truth.sql)."""

    def __init__(self) -> None:
        self._database = duckdb.connect()
        for view, file in zip(("orders_csv", "items_csv"), FILES, strict=True):
            self._database.execute(f"CREATE VIEW {view} AS FROM read_csv('{file}', all_varchar = true)")
        self._database.execute((Path(__file__).parent / "sql" / "olist_truth.sql").read_text())

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return a query's rows."""
        found: list[tuple[Any, ...]] = self._database.execute(query).fetchall()
        return found

    def timelines(self) -> dict[str, list[Step]]:
        """Return every order's events in the order in which they happened."""
        timelines: dict[str, list[Step]] = {}
        for order_id, event_id, source, time, stage, held, anomalies in self.rows(
            "SELECT order_id, event_id, source, event_time, stage, held_seconds, anomalies FROM truth"
            " ORDER BY order_id, seq"
        ):
            step = Step(event_id, source, time.replace(tzinfo=UTC), stage, held, tuple(anomalies))
            timelines.setdefault(order_id, []).append(step)
        return timelines

    def standings(self) -> dict[str, Standing]:
        """Return where every order stands."""
        rows = self.rows(
            "SELECT order_id, stage, partner, customer_id, opened_at, revision, anomalies FROM truth_orders"
        )
        return {
            order_id: Standing(stage, partner, customer, opened.replace(tzinfo=UTC), revision, anomalies)
            for order_id, stage, partner, customer, opened, revision, anomalies in rows
        }

    def counts(self) -> dict[tuple[str, str], int]:
        """Return how many orders are in each stage, by partner ("" for none)."""
        rows = self.rows("SELECT stage, coalesce(partner, ''), count(*) FROM truth_orders GROUP BY ALL")
        return {(stage, partner): number for stage, partner, number in rows}

    def held(self) -> dict[tuple[str, str], float]:
        """Return how many seconds each order stood in each stage that it left."""
        rows = self.rows(
            "SELECT order_id, stage_before, sum(held_seconds) FROM truth WHERE held_seconds IS NOT NULL GROUP BY ALL"
        )
        return {(order_id, stage): seconds for order_id, stage, seconds in rows}

    def close(self) -> None:
        """Close the database."""
        self._database.close()


async def import_sample(publish: Callable[[Sequence[bytes]], Awaitable[None]] | None) -> ImportResult:
    """Import the sample; a rejected row fails the test."""

    def fail(reject: Reject) -> None:
        raise AssertionError(f"rejected {reject}")

    mapping = load_mapping(MAPPING)
    tables = CsvTables(FILES, mapping.csv)
    return await import_orders(mapping, tables, publish, on_reject=fail, on_progress=lambda _: None)
