"""Customers who asked to be forgotten."""

from pipelines.engine.stores.migrate import run_sql

revision = "control_0003"
down_revision = "control_0002"
branch_labels = None


def upgrade() -> None:
    run_sql("pipelines.engine.stores.migrations.control", "0003_erased")
