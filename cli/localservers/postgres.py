"""How our PostgreSQL is set up."""

import os
import shutil
from pathlib import Path

from cli.localservers.conffiles import write_readable
from cli.localservers.logs import open_log
from cli.localservers.ports import Ports
from cli.localservers.rootfs import SERVICE_UID
from cli.localservers.sandbox import Program, run_to_end

INITDB = (
    *("--pgdata=/data/draft", "--username=warren", "--auth=trust", "--encoding=UTF8"),
    *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
)


RUN = ("-D", "/data/main", "-c", "config_file=/conf/postgresql.conf", "-c", "hba_file=/conf/pg_hba.conf")
"""How `postgres` is called."""


def write_conf(conf: Path, *, listen: str, port: int, sockets: str, trusted: str) -> None:
    """Write postgresql.conf and pg_hba.conf; `trusted` addresses may log in without a password."""
    settings = {
        "listen_addresses": f"'{listen}'",
        "port": port,
        "unix_socket_directories": f"'{sockets}'",
        "max_connections": 200,
        "shared_buffers": f"{_shared_buffers_mb()}MB",
        "max_wal_size": "4GB",
        "wal_level": "replica",
        # A replica that is not started again must not fill the disk.
        "max_slot_wal_keep_size": "4GB",
        "dynamic_shared_memory_type": "posix",
        "shared_preload_libraries": "'pg_stat_statements'",
        # What production has: what is measured and proved here must hold there.
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "autovacuum": "on",
        "timezone": "'UTC'",
        "log_timezone": "'UTC'",
    }
    text = "".join(f"{key} = {value}\n" for key, value in settings.items())
    rules = ["local all all trust", f"host all all {trusted} trust", f"host replication all {trusted} trust"]
    write_readable(conf, {"postgresql.conf": text, "pg_hba.conf": "\n".join(rules) + "\n"})


def _shared_buffers_mb() -> int:
    """An eighth of the machine's memory, 128 MB to 4 GB; taken only as far as it is used."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(max(memory // 8 // 2**20, 128), 4096)


def program(rootfs: Path, data: Path, conf: Path, ports: Ports, log: Path) -> Program:
    """Give the server as a program, its database cluster made if it is not there yet."""
    data.mkdir(parents=True, exist_ok=True)
    write_conf(conf, listen="127.0.0.1", port=ports.postgres, sockets="", trusted="127.0.0.1/32")
    if os.geteuid() == 0:
        os.chown(data, SERVICE_UID, SERVICE_UID)
    binaries = binaries_in(rootfs)
    if not (data / "main").is_dir():
        make_cluster(Program(rootfs, data, conf, [f"{binaries}/initdb", *INITDB], refuses_root=True), log)
    return Program(rootfs, data, conf, [f"{binaries}/postgres", *RUN], refuses_root=True)


def binaries_in(rootfs: Path) -> str:
    """Give the folder of the one version that was unpacked, as seen from within."""
    versions = [folder.name for folder in (rootfs / "usr/lib/postgresql").iterdir()]
    return f"/usr/lib/postgresql/{max(versions, key=int)}/bin"


def make_cluster(maker: Program, log: Path) -> None:
    """Make it under another name, /data/draft, and rename: a folder called main is a whole cluster."""
    draft = maker.data / "draft"
    shutil.rmtree(draft, ignore_errors=True)
    open_log(log)
    run_to_end(maker, log)
    draft.rename(maker.data / "main")
