"""Say what is asked for in words, where pydantic would show a regular expression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema


@dataclass(frozen=True, slots=True)
class Worded:
    """In `Annotated`, right behind the constraints it words: a value that breaks one is answered with `words`."""

    words: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.custom_error_schema(
            handler(source), custom_error_type="worded", custom_error_message=self.words
        )


@dataclass(frozen=True, slots=True)
class AlsoMatches:
    """In `Annotated`, behind other constraints: a value that keeps those, but does not match, is answered with `words`.

    The match is no part of the JSON Schema.
    """

    pattern: str
    words: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        matching = core_schema.custom_error_schema(
            core_schema.str_schema(pattern=self.pattern), custom_error_type="worded", custom_error_message=self.words
        )
        return core_schema.chain_schema([handler(source), matching])
