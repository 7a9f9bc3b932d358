"""What every pipeline instance owns: checkpoint, order index, ledger, quarantine, parked."""

from pipelines.engine.stores.migrate import run_sql

revision = "instance_0001"
down_revision = None
branch_labels = ("instance",)


def upgrade() -> None:
    run_sql("pipelines.engine.stores.migrations.instance", "0001_instance")
