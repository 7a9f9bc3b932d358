"""The read views: open and closed orders, timeline, counts."""

from pipelines.engine.stores.migrate import run_sql

revision = "views_0001"
down_revision = None
branch_labels = ("views",)


def upgrade() -> None:
    run_sql("pipelines.flows.views.migrations", "0001_views")
