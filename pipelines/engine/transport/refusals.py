"""What to say of a broker that cannot be reached or does not let us in: what happened; what to do next."""

from __future__ import annotations

import ssl

from rstream import exceptions

from pipelines.engine.transport.address import Address
from schemas.errors import said


def refusal(address: Address, error: BaseException) -> str | None:
    """Return what an error of connecting and signing in means; None for one that has nothing to do with that."""
    if isinstance(error, ssl.SSLCertVerificationError):
        why = f"its certificate is not accepted: {error.verify_message}"
        return f"{address}: {why}; name its authority with ?cacert=FILE"
    if isinstance(error, exceptions.ServerError):
        return f"the broker at {address} refused: {_refused(address, error)}; mend WARREN_STREAM_URL, or what it names"
    if isinstance(error, OSError | TimeoutError | AssertionError):
        return f"no broker at {address}: {said(error)}; run `warren services up`, or mend WARREN_STREAM_URL"
    return None


def _refused(address: Address, error: exceptions.ServerError) -> str:
    if isinstance(error, exceptions.AuthenticationFailure):
        return f"user {address.user!r} with this password"
    if isinstance(error, exceptions.VirtualHostAccessFailure):
        return f"there is no such virtual host for user {address.user!r}"
    return said(error)
