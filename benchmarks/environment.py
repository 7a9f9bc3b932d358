"""Where benchmarks run: this checkout's servers, an environment of their own for each run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from benchmarks.template import Past
from cli.localservers import Addresses, run_environment, unique_run_name
from pipelines.engine.settings import Settings
from pipelines.engine.stores.migrate import migrate_control, migrate_instance
from pipelines.engine.transport import Message, create_super_stream
from pipelines.flows.declared import FLOWS


@dataclass(frozen=True, slots=True)
class BenchRun:
    """One environment, migrated, with its super stream of eight partitions; `variables` lead a process there."""

    settings: Settings
    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Bench:
    """`quick`: fewer runs, for a look."""

    addresses: Addresses
    quick: bool

    def runs(self, full: int) -> int:
        """Return how many runs to make."""
        return 1 if self.quick else full

    @asynccontextmanager
    async def environment(self, past: Past | None = None) -> AsyncIterator[BenchRun]:
        """Give an environment of its own, with this past or none, and drop it afterwards."""
        name = unique_run_name("bench")
        async with run_environment(self.addresses, name) as own:
            settings = Settings(_env_file=None, **own.model_dump(), board_port=0)
            if past is not None:
                await past.copied_to(self.addresses.postgres_dsn, name)
            else:
                migrate_control(settings.postgres_dsn)
                for flow in FLOWS:
                    migrate_instance(settings.postgres_dsn, flow.name, flow.migrations)
            await create_super_stream(settings.stream_url, settings.super_stream, settings.partitions)
            yield BenchRun(settings, own.as_environment())

    @staticmethod
    def mean_bytes(messages: list[Message]) -> int:
        """Return the mean size of the bodies."""
        return sum(len(message.body) for message in messages) // len(messages)
