"""Order ids byte by byte: found by their beginning, too."""

from pipelines.engine.stores.migrate import run_sql

revision = "instance_0002"
down_revision = "instance_0001"
branch_labels = None


def upgrade() -> None:
    run_sql("pipelines.engine.stores.migrations.instance", "0002_order_ids")
