"""Which pipeline versions are live."""

from pipelines.engine.stores.migrate import run_sql

revision = "control_0001"
down_revision = None
branch_labels = ("control",)


def upgrade() -> None:
    run_sql("pipelines.engine.stores.migrations.control", "0001_pipelines")
