"""FastStream's internals we stand on, by name: a release that moves one is seen here first, and nowhere else."""

from __future__ import annotations

import ast
from pathlib import Path

import pipelines.engine.broker._compat as compat

ROOT = Path(compat.__file__).parents[3]

NAMES = {
    "EMPTY", "ArgsContainer", "BrokerConfig", "BrokerRouter", "BrokerUsecase", "CallsCollection", "ContextRepo",
    "CustomCallable", "DefaultLoggerStorage", "FastDependsConfig", "HandlerItem", "ProducerProto",
    "PublisherSpecification", "PublisherSpecificationConfig", "PublisherUsecase", "PublisherUsecaseConfig",
    "Registrator", "SubscriberRoute", "SubscriberSpecification", "SubscriberSpecificationConfig",
    "SubscriberUsecase", "SubscriberUsecaseConfig", "TestBroker", "change_producer", "default_filter",
    "make_logger_state",
}  # fmt: skip


def test_every_internal_name_is_there_and_listed() -> None:
    assert set(compat.__all__) == NAMES
    assert all(getattr(compat, name) is not None for name in NAMES)


def test_no_other_file_imports_faststream_internals() -> None:
    guilty = [
        path
        for folder in ("schemas", "processors", "pipelines", "cli", "dashboards")
        for path in (ROOT / folder).rglob("*.py")
        if path.name != "_compat.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom | ast.Import)
        and any(
            "faststream._internal" in name
            for name in [getattr(node, "module", "") or "", *(a.name for a in node.names)]
        )
    ]
    assert guilty == []


def test_batches_are_decoded_by_a_function_faststream_knows_by_its_name() -> None:
    """FastStream takes a decoder for a batch decoder if it is called so."""
    from pipelines.engine.broker.message import decode_batch

    assert decode_batch.__name__ == "decode_batch"
