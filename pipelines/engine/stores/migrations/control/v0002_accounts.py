"""People who may sign in at the board with a password."""

from pipelines.engine.stores.migrate import run_sql

revision = "control_0002"
down_revision = "control_0001"
branch_labels = None


def upgrade() -> None:
    run_sql("pipelines.engine.stores.migrations.control", "0002_accounts")
