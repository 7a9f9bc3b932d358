"""A real nginx with the documented settings, from Debian's package in a folder of its own."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from cli.localservers.buildtools import can_build
from cli.localservers.names import say_on_stderr
from cli.localservers.rootfs import Recipe, ensure_rootfs
from cli.localservers.settings import read_settings
from tests.support.waiting import until

DOCUMENTED = Path(__file__).parents[3] / "deploy" / "nginx" / "board.conf"

# Sees the folder it is called with as /etc/nginx, and the network. Dies with its caller.
WRAPPER = """#!/bin/sh
root=$(dirname "$(readlink -f "$0")")
exec bwrap --die-with-parent --unshare-pid \\
  --ro-bind "$root/usr" /usr --ro-bind "$root/etc" /etc --bind "$1" /etc/nginx \\
  --symlink usr/bin /bin --symlink usr/sbin /sbin --symlink usr/lib /lib --symlink usr/lib64 /lib64 \\
  --proc /proc --dev /dev --tmpfs /run --tmpfs /tmp --tmpfs /var --dir /var/lib/nginx --dir /var/log/nginx \\
  /usr/sbin/nginx -e stderr -c /etc/nginx/nginx.conf
"""

NGINX = Recipe(title="nginx", packages=("nginx", "dash"), files=(("warren-nginx", WRAPPER),))

_MAIN = """daemon off;
user root root;
worker_processes 1;
pid /run/nginx.pid;
error_log stderr warn;
events { worker_connections 1024; }
http {
    log_format asked '$request_method $uri $status $upstream_addr';
    access_log /etc/nginx/access.log asked;
    include /etc/nginx/board.conf;
}
"""


@dataclass(frozen=True, slots=True)
class Front:
    """An nginx that runs. `address` is where people find it, and `trust` what a client of it needs."""

    address: str
    plain_address: str
    trust: ssl.SSLContext
    folder: Path

    def asked(self) -> list[tuple[str, str, list[str]]]:
        """Return method and path, status, and the ports of the instances asked one after the other, of each request
        that is over."""
        lines = [line.split(" ") for line in (self.folder / "access.log").read_text().splitlines()]
        return [
            (f"{method} {path}", status, [address.strip(",").rpartition(":")[2] for address in upstreams])
            for method, path, status, *upstreams in lines
        ]


@asynccontextmanager
async def running_nginx(folder: Path, ports: Sequence[int], https: int, http: int) -> AsyncIterator[Front]:
    """Run it in front of the instances at `ports`, three of them; where it cannot be had, skip locally and fail in CI.

    Settings are the documented ones, but for addresses and the certificate.
    """
    if not can_build():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no nginx, and none can be unpacked here")
    program = ensure_rootfs(NGINX, read_settings().debian_suite, say_on_stderr) / "warren-nginx"
    settings = DOCUMENTED.read_text()
    own = {f"127.0.0.1:808{number}": f"127.0.0.1:{port}" for number, port in enumerate(ports, 1)}
    own |= {"listen 443": f"listen 127.0.0.1:{https}", "listen 80": f"listen 127.0.0.1:{http}"}
    for documented, changed in own.items():
        assert settings.count(f"{documented} ") + settings.count(f"{documented};") == 1, documented
        settings = settings.replace(documented, changed)
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    certificate.cert_chain_pems[0].write_to_path(folder / "orders.example.pem")
    certificate.private_key_pem.write_to_path(folder / "orders.example.key")
    (folder / "nginx.conf").write_text(_MAIN)
    (folder / "board.conf").write_text(settings)
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    with (folder / "nginx.log").open("wb") as log:
        child = await asyncio.create_subprocess_exec(
            program, folder, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log
        )

    async def listens() -> bool:
        assert child.returncode is None, (folder / "nginx.log").read_text()
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", https)
        except OSError:
            return False
        writer.close()
        return True

    try:
        await until(listens, "nginx to listen")
        yield Front(f"https://127.0.0.1:{https}", f"http://127.0.0.1:{http}", trust, folder)
    finally:
        child.kill()
        await child.wait()
