"""What the archive leaves behind: finished orders of months that have left, and which months these are."""

from pipelines.engine.stores.migrate import run_sql

revision = "views_0003"
down_revision = "views_0002"
branch_labels = None


def upgrade() -> None:
    run_sql("pipelines.flows.views.migrations", "0003_archive")
