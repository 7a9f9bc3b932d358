"""Real RabbitMQ, PostgreSQL and Redis for one checkout, without asking anything of the machine.

Servers come from the environment, from Docker Compose, or from Debian packages in a private folder. The names
below are the whole public interface; modules beside them are implementation.
"""

from cli.localservers.addresses import Addresses, RunAddresses
from cli.localservers.control import ServerControl
from cli.localservers.errors import ServicesError
from cli.localservers.leases import running_servers
from cli.localservers.lifecycle import Servers, down, up
from cli.localservers.names import SERVER_NAMES, ServerName
from cli.localservers.places import StateDir
from cli.localservers.runs import create_run, drop_run, further_dsn, run_environment, unique_run_name

__all__ = [
    "SERVER_NAMES",
    "Addresses",
    "RunAddresses",
    "ServerControl",
    "ServerName",
    "Servers",
    "ServicesError",
    "StateDir",
    "create_run",
    "down",
    "drop_run",
    "further_dsn",
    "run_environment",
    "running_servers",
    "unique_run_name",
    "up",
]
