"""The outbox of one service, in schema `warren_outbox` of the service's own database."""

from pipelines.engine.stores.migrate import run_sql

revision = "outbox_0001"
down_revision = None
branch_labels = ("outbox",)


def upgrade() -> None:
    run_sql("pipelines.edges.outbox.migrations", "0001_outbox")
