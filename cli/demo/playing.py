"""The demos of this checkout that play now: how to look into one from outside, and what killed ones left behind."""

from __future__ import annotations

import os
import shlex
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from cli.demo.places import demos_folder
from cli.demo.planned import Sender
from cli.localservers import Addresses, RunAddresses, ServicesError, StateDir, create_run, drop_run
from cli.localservers.lifecycle import named_by_environment
from cli.localservers.names import Say
from cli.localservers.processes import ProcessId, identify, is_alive
from cli.localservers.state import load

NOTE, ENVIRONMENT = "playing.json", "env"
"""Files in a run's folder, there for as long as the run's data is."""

SERVICES = tuple(map(str, Sender))
"""Beside the run's own database, each of these has one."""


class Note(BaseModel):
    """Whose the run is, and on which servers; None: the checkout's own, whatever their ports are by then."""

    model_config = ConfigDict(frozen=True)

    process: ProcessId
    servers: Addresses | None


@asynccontextmanager
async def noted_run(addresses: Addresses, folder: Path) -> AsyncIterator[RunAddresses]:
    """Give an environment named as the folder for as long as the block runs; a note in the folder tells of it.

    Raises ServicesError where the servers refuse.
    """
    me = identify(os.getpid())
    if me is None:
        raise ServicesError("cannot read this process's start time: is /proc mounted?")
    note = Note(process=me, servers=named_by_environment(StateDir.of_checkout()))
    (folder / NOTE).write_text(note.model_dump_json())
    (folder / NOTE).chmod(0o600)  # servers may have passwords
    run = await create_run(addresses, folder.name, SERVICES)
    try:
        yield run
    finally:
        await drop_run(addresses, folder.name, SERVICES)
        _forget(folder)


def write_environment(folder: Path, variables: Mapping[str, str]) -> Path:
    """Write the variables for a shell to read, and return the file."""
    file = folder / ENVIRONMENT
    file.touch(mode=0o600)
    file.write_text("".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items()))
    return file


async def clear_leftovers(say: Say) -> None:
    """Drop the data of runs on our present servers whose process was killed. What cannot be dropped now stays noted."""
    home = StateDir.of_checkout()
    named = named_by_environment(home)
    state = None if named else load(home)
    servers = state.addresses if state else named
    if servers is None:
        return
    for folder, note in _notes():
        if is_alive(note.process) or note.servers != named:
            continue
        say(f"clearing away {folder.name}, a demo that was killed")
        try:
            await drop_run(servers, folder.name, SERVICES)
        except ServicesError as error:
            say(str(error))
        else:
            _forget(folder)


def _notes() -> Iterator[tuple[Path, Note]]:
    for file in demos_folder().glob(f"*/{NOTE}"):
        try:
            yield file.parent, Note.model_validate_json(file.read_bytes())
        except (OSError, ValueError):
            continue  # taken away, or being written, just now


def _forget(folder: Path) -> None:
    for name in (ENVIRONMENT, NOTE):
        (folder / name).unlink(missing_ok=True)
