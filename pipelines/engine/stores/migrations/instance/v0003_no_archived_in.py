"""Without a column that nothing ever wrote."""

from pipelines.engine.stores.migrate import run_sql

revision = "instance_0003"
down_revision = "instance_0002"
branch_labels = None


def upgrade() -> None:
    run_sql("pipelines.engine.stores.migrations.instance", "0003_no_archived_in")
