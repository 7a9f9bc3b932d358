"""How our RabbitMQ is set up and how it shows that it is healthy."""

import hashlib
from pathlib import Path

from cli.localservers.conffiles import write_readable
from cli.localservers.ports import Ports
from cli.localservers.sandbox import Program

PLUGINS = ("rabbitmq_stream", "rabbitmq_stream_management", "rabbitmq_management", "rabbitmq_prometheus")


def write_conf(conf: Path, *, listen: str, inside: Ports, outside: Ports) -> None:
    """Write rabbitmq.conf and the list of plugins.

    `outside` is where clients reach the broker, which it must tell them itself; `inside` is where it listens.
    """
    settings = {
        "listeners.tcp.1": f"{listen}:{inside.amqp}",
        "stream.listeners.tcp.1": f"{listen}:{inside.stream}",
        "stream.advertised_host": "127.0.0.1",
        "stream.advertised_port": outside.stream,
        # Seconds after which a client that has gone silent loses its connection, and with it its partitions.
        "stream.heartbeat": 10,
        "management.tcp.ip": listen,
        "management.tcp.port": inside.management,
        "prometheus.tcp.ip": listen,
        "prometheus.tcp.port": inside.prometheus,
        # The port is on loopback only, so the default user needs no guard of its own.
        "loopback_users": "none",
        # Publishers are blocked below this much free disk, and above this share of memory.
        "disk_free_limit.absolute": "1GB",
        "vm_memory_high_watermark.relative": "0.4",
        "log.console": "true",
        "log.console.use_colors": "off",
        "log.file": "false",
    }
    text = "".join(f"{key} = {value}\n" for key, value in settings.items())
    write_readable(conf, {"rabbitmq.conf": text, "enabled_plugins": f"[{','.join(PLUGINS)}].\n"})


def program(rootfs: Path, data: Path, conf: Path, ports: Ports) -> Program:
    """Give the broker as a program. Its node name is unique to its data, its epmd is its own."""
    data.mkdir(parents=True, exist_ok=True)
    write_conf(conf, listen="127.0.0.1", inside=ports, outside=ports)
    node = hashlib.sha256(str(data).encode()).hexdigest()[:8]
    return Program(
        rootfs=rootfs,
        data=data,
        conf=conf,
        command=["/usr/lib/rabbitmq/bin/rabbitmq-server"],
        environment={
            "RABBITMQ_NODENAME": f"warren_{node}@localhost",
            "RABBITMQ_MNESIA_BASE": "/data/mnesia",
            "RABBITMQ_LOG_BASE": "/data/log",
            "RABBITMQ_CONFIG_FILE": "/conf/rabbitmq.conf",
            "RABBITMQ_ENABLED_PLUGINS_FILE": "/conf/enabled_plugins",
            "RABBITMQ_DIST_PORT": str(ports.distribution),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "ERL_EPMD_PORT": str(ports.epmd),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            # Makes the start script become the server, so that signals reach it.
            "RUNNING_UNDER_SYSTEMD": "true",
        },
    )
