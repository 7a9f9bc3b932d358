"""Debian packages unpacked into a private folder that every checkout of this user shares."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cli.localservers.buildtools import require_tools
from cli.localservers.conffiles import write_readable
from cli.localservers.errors import ServicesError
from cli.localservers.filelock import file_lock
from cli.localservers.names import Say
from cli.localservers.places import cache_dir

SERVICE_UID = 5432
"""Who PostgreSQL runs as when we are root, which it refuses to be."""

LAYOUT = 1
"""Raise it when what `_complete` adds changes: folders of another layout are then built anew."""


@dataclass(frozen=True)
class Recipe:
    """What goes into one folder."""

    title: str
    packages: tuple[str, ...]
    files: tuple[tuple[str, str], ...] = ()
    """Programs of ours to add: path in the folder and text."""

    def folder_name(self, suite: str) -> str:
        """Give a name that changes whenever the contents would."""
        text = repr((suite, LAYOUT, os.geteuid(), self.packages, self.files))
        return f"rootfs-{suite}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


POSTGRES_VERSIONS = {"trixie": 17}
NEWER_POSTGRES = 18
"""A suite carries one version only; trixie's is the one we stand for, sid has moved on."""


def servers_recipe(suite: str) -> Recipe:
    """Give what the three servers need."""
    postgres = f"postgresql-{POSTGRES_VERSIONS.get(suite, NEWER_POSTGRES)}"
    tools = ("dash", "bash", "coreutils", "sed", "grep", "mawk", "procps", "hostname", "util-linux")
    packages = ("rabbitmq-server", postgres, f"{postgres}-partman", "redis-server", *tools)
    return Recipe("the servers' packages", packages)


def ensure_rootfs(recipe: Recipe, suite: str, say: Say) -> Path:
    """Give the recipe's folder, building it first if need be. Safe to call from many processes at once.

    A folder under its final name is complete: it is built under another and renamed.
    """
    final = cache_dir() / recipe.folder_name(suite)
    if final.is_dir():
        require_tools(say)
        return final
    waiting = f"waiting for another process that unpacks {recipe.title}"
    with file_lock(cache_dir() / "rootfs.lock", lambda: say(waiting)):
        if final.is_dir():
            return final
        require_tools(say)
        # We hold the lock, so a draft that is there belongs to a build that was killed.
        for leftover in cache_dir().glob("building-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        draft = Path(tempfile.mkdtemp(prefix="building-", dir=cache_dir()))
        try:
            _unpack(recipe, suite, draft, say)
            _complete(recipe, draft)
            draft.chmod(0o755)
            draft.rename(final)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return final


def _unpack(recipe: Recipe, suite: str, target: Path, say: Say) -> None:
    command = ["mmdebstrap", "--variant=extract", f"--include={','.join(recipe.packages)}"]
    if os.geteuid() != 0:
        # Nothing is run inside when only extracting, so this mode needs no root and no user namespace.
        command.append("--mode=chrootless")
    if suite == "sid":
        # Mirrors of the moving suite are often past the date their lists bear.
        command.append('--aptopt=Acquire::Check-Valid-Until "false"')
    say(f"unpacking {recipe.title} from Debian {suite} (only the first time, about a minute)")
    errors: list[str] = []
    with subprocess.Popen(
        [*command, suite, str(target)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as build:
        assert build.stdout is not None
        for line in build.stdout:
            if line.startswith("E: "):
                errors.append(line.strip())
            if line.startswith("I: "):
                say(f"unpacking {recipe.title}: {line[3:].strip()}")
    if build.returncode != 0:
        # The first names the cause; the rest are those who passed it on.
        raise ServicesError(f"mmdebstrap could not unpack {recipe.title}: {(errors or ['no reason given'])[0]}")


def _complete(recipe: Recipe, root: Path) -> None:
    """Add what maintainer scripts, which are not run, would have made."""
    uid, gid = os.geteuid(), os.getegid()
    users = ["root:x:0:0:root:/root:/bin/sh", f"postgres:x:{SERVICE_UID}:{SERVICE_UID}::/data:/bin/sh"]
    groups = ["root:x:0:", f"postgres:x:{SERVICE_UID}:"]
    if uid != 0:
        users.append(f"warren:x:{uid}:{gid}::/data:/bin/sh")
        groups.append(f"warren:x:{gid}:")
    files = {
        "passwd": users,
        "group": groups,
        "hosts": ["127.0.0.1 localhost", "::1 localhost"],
        "nsswitch.conf": ["passwd: files", "group: files", "hosts: files dns"],
    }
    write_readable(root / "etc", {name: "\n".join(lines) + "\n" for name, lines in files.items()})
    for path, text in recipe.files:
        program = root / path
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(text)
        program.chmod(0o755)
