"""Every import from FastStream's internals, in one place: a third-party broker has no public base yet.

FastStream is pinned to the minor this was tested with; `tests/broker/test_compat.py` names each of these.
"""

from faststream._internal.broker import BrokerUsecase
from faststream._internal.broker.registrator import Registrator
from faststream._internal.broker.router import ArgsContainer, BrokerRouter, SubscriberRoute
from faststream._internal.configs import (
    BrokerConfig,
    PublisherSpecificationConfig,
    PublisherUsecaseConfig,
    SubscriberSpecificationConfig,
    SubscriberUsecaseConfig,
)
from faststream._internal.constants import EMPTY
from faststream._internal.context.repository import ContextRepo
from faststream._internal.di import FastDependsConfig
from faststream._internal.endpoint.publisher import PublisherSpecification, PublisherUsecase
from faststream._internal.endpoint.subscriber import SubscriberSpecification, SubscriberUsecase
from faststream._internal.endpoint.subscriber.call_item import CallsCollection, HandlerItem
from faststream._internal.endpoint.subscriber.utils import default_filter
from faststream._internal.logger import DefaultLoggerStorage, make_logger_state
from faststream._internal.producer import ProducerProto
from faststream._internal.testing.broker import TestBroker, change_producer
from faststream._internal.types import CustomCallable

__all__ = [
    "EMPTY",
    "ArgsContainer",
    "BrokerConfig",
    "BrokerRouter",
    "BrokerUsecase",
    "CallsCollection",
    "ContextRepo",
    "CustomCallable",
    "DefaultLoggerStorage",
    "FastDependsConfig",
    "HandlerItem",
    "ProducerProto",
    "PublisherSpecification",
    "PublisherSpecificationConfig",
    "PublisherUsecase",
    "PublisherUsecaseConfig",
    "Registrator",
    "SubscriberRoute",
    "SubscriberSpecification",
    "SubscriberSpecificationConfig",
    "SubscriberUsecase",
    "SubscriberUsecaseConfig",
    "TestBroker",
    "change_producer",
    "default_filter",
    "make_logger_state",
]
