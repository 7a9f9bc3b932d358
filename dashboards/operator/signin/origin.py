"""Whether a request that changes something was made by our own pages.

Browsers say where a request comes from, and no page can make them lie: `Sec-Fetch-Site`, or `Origin` where they are
old (https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers

_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


def is_safe(method: str) -> bool:
    """Say whether a request changes nothing."""
    return method in _SAFE


def is_own(method: str, headers: Headers, public: str | None) -> bool:
    """Say whether a request changes nothing, or comes from a page of ours.

    `public` is the address under which people know us; without it we are at whatever host the request is for.
    """
    if is_safe(method):
        return True
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    if not origin:
        return False
    if public is not None:
        return _origin(origin) == _origin(public)
    return urlsplit(origin).netloc == headers.get("host")


def _origin(address: str) -> tuple[str, str]:
    parts = urlsplit(address)
    return parts.scheme, parts.netloc
