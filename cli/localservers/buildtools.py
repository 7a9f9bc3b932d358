"""The two Debian tools that build and run a private folder of packages."""

import os
import shutil
import subprocess

from cli.localservers.errors import ServicesError
from cli.localservers.names import Say

TOOLS = {"mmdebstrap": "mmdebstrap", "bwrap": "bubblewrap"}


def can_build() -> bool:
    """Whether the tools are here, or may be installed without asking for a password."""
    return not _missing() or (shutil.which("apt-get") is not None and _as_root() is not None)


def require_tools(say: Say) -> None:
    """Install mmdebstrap and bubblewrap unless they are there. Touches nothing else on the machine."""
    packages = _missing()
    if not packages:
        return
    names = " and ".join(packages)
    become_root = _as_root()
    if shutil.which("apt-get") is None or become_root is None:
        raise ServicesError(
            f"local servers need Docker with Compose, or {names}, and neither is here: "
            f"start Docker, install {names} as root, or name your own servers by "
            "WARREN_STREAM_URL, WARREN_POSTGRES_DSN and WARREN_REDIS_URL"
        )
    apt = [*become_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-o", "DPkg::Lock::Timeout=120"]
    install = [*apt, "install", "--yes", "--no-install-recommends", *packages]
    say(f"installing {names}")
    if _run(install).returncode == 0:
        return
    # A machine whose package lists are absent or old cannot find the packages.
    say("refreshing the package lists")
    _run([*apt, "update"])
    answer = _run(install)
    if answer.returncode != 0:
        reason = (answer.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise ServicesError(f"apt-get could not install {names}: {reason}")


def _missing() -> list[str]:
    return [package for command, package in TOOLS.items() if shutil.which(command) is None]


def _as_root() -> list[str] | None:
    """Give the words to put before a command to run it as root; None when that is not allowed."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and _run(["sudo", "-n", "true"]).returncode == 0:
        return ["sudo", "-n"]
    return None


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
