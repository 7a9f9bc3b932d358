"""A Chromium for browser tests, on machines that have none."""

import shutil
from pathlib import Path

from cli.localservers.buildtools import can_build
from cli.localservers.errors import ServicesError
from cli.localservers.names import Say, say_on_stderr
from cli.localservers.rootfs import Recipe, ensure_rootfs
from cli.localservers.settings import read_settings

# Sees the machine's /tmp, the caller's current and home folders (profiles, downloads) and the network. Dies with
# its caller. bubblewrap hands the caller's open pipes through, by which playwright steers the browser.
WRAPPER = """#!/bin/sh
root=$(dirname "$(readlink -f "$0")")
set -- /usr/lib/chromium/chromium --no-sandbox "$@"
for folder in /tmp "$PWD" "${HOME:-/}"; do
  [ "$folder" = / ] || set -- --bind "$folder" "$folder" "$@"
done
exec bwrap --die-with-parent --unshare-pid \\
  --ro-bind "$root/usr" /usr --ro-bind "$root/etc" /etc --ro-bind-try /etc/resolv.conf /etc/resolv.conf \\
  --symlink usr/bin /bin --symlink usr/sbin /sbin --symlink usr/lib /lib --symlink usr/lib64 /lib64 \\
  --proc /proc --dev /dev --bind /dev/shm /dev/shm --tmpfs /run --tmpfs /var "$@"
"""

CHROMIUM = Recipe(
    title="Chromium",
    packages=("chromium", "fonts-dejavu-core", "dash", "coreutils"),
    files=(("warren-chromium", WRAPPER),),
)


def chromium_path(say: Say = say_on_stderr) -> Path | None:
    """Find a Chromium, unpacking Debian's if need be; None when there is none and no way to get it.

    Looked for in WARREN_CHROMIUM, then on PATH. What is unpacked is shared by all checkouts of this user.
    """
    settings = read_settings()
    if settings.chromium is not None:
        if not settings.chromium.is_file():
            raise ServicesError(f"WARREN_CHROMIUM names {settings.chromium}, which is no file: correct or unset it")
        return settings.chromium
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return Path(found)
    if not can_build():
        return None
    return ensure_rootfs(CHROMIUM, settings.debian_suite, say) / "warren-chromium"
