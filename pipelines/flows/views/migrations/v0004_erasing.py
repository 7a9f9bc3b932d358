"""Which orders an erasure is at."""

from pipelines.engine.stores.migrate import run_sql

revision = "views_0004"
down_revision = "views_0003"
branch_labels = None


def upgrade() -> None:
    run_sql("pipelines.flows.views.migrations", "0004_erasing")
