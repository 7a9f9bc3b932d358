"""How our Redis is set up: a cache that may vanish at any moment, so nothing is written to disk."""

from pathlib import Path

from cli.localservers.conffiles import write_readable
from cli.localservers.ports import Ports
from cli.localservers.sandbox import Program


def program(rootfs: Path, data: Path, conf: Path, ports: Ports) -> Program:
    """Give the server as a program."""
    data.mkdir(parents=True, exist_ok=True)
    lines = ["bind 127.0.0.1", f"port {ports.redis}", "dir /data", 'save ""', "appendonly no"]
    write_readable(conf, {"redis.conf": "\n".join(lines) + "\n"})
    return Program(rootfs, data, conf, ["/usr/bin/redis-server", "/conf/redis.conf"])
