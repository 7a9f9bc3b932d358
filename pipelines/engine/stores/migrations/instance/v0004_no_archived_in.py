"""Without a column that nothing ever wrote."""

from pipelines.engine.stores.migrate import run_sql

revision = "instance_0004"
down_revision = "instance_0003"
branch_labels = None


def upgrade() -> None:
    run_sql("pipelines.engine.stores.migrations.instance", "0004_no_archived_in")
