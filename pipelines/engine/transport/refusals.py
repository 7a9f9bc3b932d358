"""What it means that a broker cannot be reached or does not let us in."""

from __future__ import annotations

import ssl

from rstream import exceptions

from pipelines.engine.transport.address import Address
from schemas.errors import BrokerAway, BrokerRefused, StreamUnavailable, said


def refusal(address: Address, error: BaseException) -> StreamUnavailable | None:
    """Return what an error of connecting and signing in means; None for one that has nothing to do with that."""
    if isinstance(error, ssl.SSLCertVerificationError):
        why = f"its certificate is not accepted: {error.verify_message}"
        return BrokerRefused(f"the broker at {address}: {why}; name its authority with ?cacert=FILE")
    if isinstance(error, exceptions.ServerError):
        return BrokerRefused(f"the broker at {address} refused: {_refused(address, error)}")
    if isinstance(error, OSError | TimeoutError | AssertionError):
        return BrokerAway(f"no broker at {address}: {said(error)}")
    return None


def _refused(address: Address, error: exceptions.ServerError) -> str:
    if isinstance(error, exceptions.AuthenticationFailure):
        return f"user {address.user!r} with this password"
    if isinstance(error, exceptions.VirtualHostAccessFailure):
        return f"there is no such virtual host for user {address.user!r}"
    return said(error)
