"""How our PostgreSQL's streaming replica is set up."""

import os
import shutil
from pathlib import Path

import psycopg

from cli.localservers.errors import ServicesError
from cli.localservers.ports import Ports
from cli.localservers.postgres import RUN, binaries_in, make_cluster, write_conf
from cli.localservers.rootfs import SERVICE_UID
from cli.localservers.sandbox import Program

SLOT = "replica"
"""The primary keeps the log for it until the replica has it, or until that is too much."""

_CAN_GO_ON = "SELECT wal_status IS DISTINCT FROM 'lost' FROM pg_replication_slots WHERE slot_name = %s"
_FORGET = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %s"


def program(rootfs: Path, data: Path, conf: Path, ports: Ports, log: Path) -> Program:
    """Give the server as a program. It begins as a copy of the primary, which is running; and is made anew where the
    primary has not kept the log that it lacks."""
    data.mkdir(parents=True, exist_ok=True)
    write_conf(conf, listen="127.0.0.1", port=ports.replica, sockets="", trusted="127.0.0.1/32")
    if os.geteuid() == 0:
        os.chown(data, SERVICE_UID, SERVICE_UID)
    binaries = binaries_in(rootfs)
    source = f"host=127.0.0.1 port={ports.postgres} user=warren"
    if not (_kept_by_primary(source) and (data / "main").is_dir()):
        shutil.rmtree(data / "main", ignore_errors=True)
        _forget_slot(source)
        copy = ["--pgdata=/data/draft", "--dbname", source, "--checkpoint=fast", "--write-recovery-conf"]
        slot = ["--create-slot", f"--slot={SLOT}"]
        make_cluster(Program(rootfs, data, conf, [f"{binaries}/pg_basebackup", *copy, *slot], refuses_root=True), log)
    # Said anew, as the primary's port may be another than when the copy was made. What a long read on the replica needs
    # is kept on the primary, rather than the read ended.
    follow = ("-c", f"primary_conninfo={source}", "-c", f"primary_slot_name={SLOT}", "-c", "hot_standby_feedback=on")
    return Program(rootfs, data, conf, [f"{binaries}/postgres", *RUN, *follow], refuses_root=True)


def _kept_by_primary(source: str) -> bool:
    return bool(_ask(source, _CAN_GO_ON))


def _forget_slot(source: str) -> None:
    _ask(source, _FORGET)


def _ask(source: str, question: str) -> object:
    try:
        with psycopg.connect(f"{source} dbname=postgres", connect_timeout=10) as connection:
            row = connection.execute(question, [SLOT]).fetchone()
    except psycopg.Error as error:
        raise ServicesError(f"a replica needs its PostgreSQL: {error}") from error
    return row[0] if row else None
