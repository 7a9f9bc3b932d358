"""Read a mapping file; what is wrong with it is said with the place in the file."""

from __future__ import annotations

import tomllib
from pathlib import Path

from pydantic import ValidationError

from pipelines.edges.importer.columns import used_columns
from pipelines.edges.importer.mapping import Mapping
from schemas.errors import SettingsError


def load_mapping(path: Path) -> Mapping:
    """Return the mapping in the TOML file `path`.

    Raises:
        SettingsError: it cannot be read or is wrong; the message names the file and the place in it.
    """
    try:
        return parse_mapping(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}; give the mapping file with --mapping") from error
    except (SettingsError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from error


def parse_mapping(text: str) -> Mapping:
    """Return the mapping in a TOML text. Raises SettingsError, which names the place."""
    try:
        mapping = Mapping.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"] if not str(part).startswith(("<", "[key]")))
        more = f" ({error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise SettingsError(f"{place or 'mapping'}: {first['msg'].removeprefix('Value error, ')}{more}") from error
    used_columns(mapping)  # raises where the mapping is at odds with itself
    return mapping
