"""The Jinja environment of all pages. Everything is escaped: order ids and all the rest come from outside."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.datastructures import URL

from dashboards.operator import formats
from dashboards.operator.texts import LANGUAGES
from schemas.streams import partition_name


def make_environment(super_stream: str) -> Environment:
    """Return the environment; a name a template misspells is an error, not an empty place."""
    environment = Environment(
        loader=PackageLoader("dashboards.operator"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["languages"] = LANGUAGES
    environment.filters.update(
        rfc3339=formats.rfc3339,
        moment=formats.moment,
        number=formats.number,
        address=lambda order_id: quote(order_id, safe=":"),
        stream=lambda partition: partition_name(super_stream, partition),
        with_language=_with_language,
        again=_again,
    )
    return environment


def _with_language(here: URL, language: str) -> str:
    """The address of the same page in another language."""
    kept = [(key, value) for key, value in parse_qsl(here.query) if key != "lang"]
    return f"{_path(here)}?{urlencode([*kept, ('lang', language)])}"


def _again(here: URL) -> str:
    """The address of the same page."""
    return f"{_path(here)}?{here.query}" if here.query else _path(here)


def _path(here: URL) -> str:
    # One slash: two would name another host, and whoever wrote the link would have chosen it.
    return "/" + here.path.lstrip("/")
