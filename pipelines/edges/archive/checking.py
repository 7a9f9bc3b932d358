"""All that has left, read anew from the store: are the files there, and are they what was written?"""

from __future__ import annotations

from typing import NamedTuple

from pipelines.edges.archive.datasets import DATASETS
from pipelines.edges.archive.errors import ArchiveDamaged
from pipelines.edges.archive.month import Month
from pipelines.edges.archive.months import Archived, archived_months
from pipelines.edges.archive.progress import Told
from pipelines.edges.archive.store import Store
from pipelines.edges.archive.verifying import check_files, load_manifest
from pipelines.edges.archive.working import in_thread
from pipelines.engine.settings import Settings
from pipelines.engine.stores.instances import InstanceName
from pipelines.engine.stores.postgres import connect


class Checked(NamedTuple):
    """A month of a dataset, and what is `wrong` with its files, a line for each."""

    dataset: str
    month: Month
    rows: int
    size: int
    wrong: list[str]


async def check_archive(settings: Settings, instance: InstanceName, told: Told) -> list[Checked]:
    """Read all files of all months that have left, and say what is wrong with them.

    Raises SettingsError, ArchiveAway, or any of DATABASE_ERRORS.
    """
    connection = await connect(settings.postgres_dsn, instance.schema, application="warren archive")
    try:
        months = await archived_months(connection)
    finally:
        await connection.close(timeout=2)
    if not months:
        return []
    store = Store(settings.archive_url)
    return await in_thread(lambda told: [_check(store, one, told) for one in months], told)


def _check(store: Store, gone: Archived, told: Told) -> Checked:
    dataset = next(dataset for dataset in DATASETS if dataset.name == gone.dataset)
    try:
        made = load_manifest(store, gone.path, gone.manifest)
        wrong = check_files(store, gone.path, dataset, gone.month, made, told)
    except ArchiveDamaged as error:
        wrong = [str(error)]
    return Checked(gone.dataset, gone.month, gone.rows, gone.size, wrong)
