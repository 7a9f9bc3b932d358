"""TLS: the broker's certificate must be for the host that was dialled, from an authority that is trusted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from pipelines.engine.transport import Message, SuperStreamPublisher, body_of, create_super_stream, read_stream
from pipelines.engine.transport.address import Address
from pipelines.engine.transport.connection import Connection
from schemas.errors import SettingsError, StreamUnavailable
from tests.support.nodes import Node, nodes
from tests.transport.conftest import Collector, MemoryPositions, consuming, member, received


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def trusted(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file with the authority that the broker's certificate is from."""
    file = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    return file


@pytest.fixture(scope="module")
def broker(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A broker whose certificate is for localhost, and not for 127.0.0.1."""
    certificate = authority.issue_cert("localhost")
    with nodes(tmp_path_factory.mktemp("broker"), 1) as (node,):
        files = {
            "ca.pem": authority.cert_pem.bytes(),
            "cert.pem": b"".join(blob.bytes() for blob in certificate.cert_chain_pems),
            "key.pem": certificate.private_key_pem.bytes(),
        }
        settings = {
            "stream.listeners.ssl.1": f"127.0.0.1:{node.spare_port}",
            "stream.advertised_host": "localhost",
            "stream.advertised_tls_port": node.spare_port,
            "ssl_options.cacertfile": "/conf/ca.pem",
            "ssl_options.certfile": "/conf/cert.pem",
            "ssl_options.keyfile": "/conf/key.pem",
            "ssl_options.verify": "verify_none",
        }
        node.configure(settings, files)
        node.start()
        node.wait_healthy()
        yield node


async def test_everything_works_over_tls(broker: Node, trusted: Path) -> None:
    """Also that the nodes the broker tells of are reached by TLS, at their TLS port."""
    url = f"rabbitmq-stream+tls://guest:guest@localhost:{broker.spare_port}/%2f?cacert={trusted}"
    await create_super_stream(url, "orders", 2)
    async with SuperStreamPublisher(url, "orders") as publisher:
        await publisher.publish_to(0, [Message("x", b"%d" % n + b"." * 1000, f"{n}", "t") for n in range(2000)])
    positions = MemoryPositions()
    collector = Collector(positions)
    async with consuming(member(url, "orders", positions), collector):
        await received(collector, 2000)
    assert collector.offsets == list(range(2000))
    found = [
        body_of(record)[:4] async for chunk in read_stream(url, "orders-0", 1990, 2000) for record in chunk.records
    ]
    assert found == [b"%d" % n for n in range(1990, 2000)]


async def test_a_certificate_for_another_host_is_refused(broker: Node, trusted: Path) -> None:
    url = f"rabbitmq-stream+tls://guest:guest@127.0.0.1:{broker.spare_port}/%2f?cacert={trusted}"
    with pytest.raises(StreamUnavailable, match=r"not accepted: .*127\.0\.0\.1"):
        await Connection.open(Address.parse(url), "test")


async def test_an_authority_nobody_trusts_is_refused(broker: Node, tmp_path: Path) -> None:
    """Neither is it in the system's store, nor in a file that names another."""
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    for query in ("", f"?cacert={other}"):
        url = f"rabbitmq-stream+tls://guest:guest@localhost:{broker.spare_port}/%2f{query}"
        with pytest.raises(StreamUnavailable, match=r"not accepted: .*cacert=FILE"):
            await Connection.open(Address.parse(url), "test")


async def test_a_file_that_holds_no_authority_is_named(tmp_path: Path) -> None:
    url = f"rabbitmq-stream+tls://localhost/%2f?cacert={tmp_path / 'nothing.pem'}"
    with pytest.raises(SettingsError, match=r"nothing\.pem"):
        await Connection.open(Address.parse(url), "test")
