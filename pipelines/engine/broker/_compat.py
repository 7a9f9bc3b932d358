"""Every import from FastStream's internals, in one place: a third-party broker has no public base yet.

FastStream is pinned to the minor this was tested with; `tests/engine/broker/test_compat.py` names each of these.
"""

from faststream._internal.broker import BrokerUsecase
from faststream._internal.broker.registrator import Registrator
from faststream._internal.configs import BrokerConfig, SubscriberSpecificationConfig, SubscriberUsecaseConfig
from faststream._internal.constants import EMPTY
from faststream._internal.context.repository import ContextRepo
from faststream._internal.di import FastDependsConfig
from faststream._internal.endpoint.subscriber import SubscriberSpecification, SubscriberUsecase
from faststream._internal.endpoint.subscriber.call_item import CallsCollection
from faststream._internal.logger import DefaultLoggerStorage, make_logger_state

__all__ = [
    "EMPTY",
    "BrokerConfig",
    "BrokerUsecase",
    "CallsCollection",
    "ContextRepo",
    "DefaultLoggerStorage",
    "FastDependsConfig",
    "Registrator",
    "SubscriberSpecification",
    "SubscriberSpecificationConfig",
    "SubscriberUsecase",
    "SubscriberUsecaseConfig",
    "make_logger_state",
]
