"""Indexes and figures for what operators ask: stays, hours, overdue days, items."""

from pipelines.engine.stores.migrate import run_sql

revision = "views_0002"
down_revision = "views_0001"
branch_labels = None


def upgrade() -> None:
    run_sql("pipelines.flows.views.migrations", "0002_read_side")
