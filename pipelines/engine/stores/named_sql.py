"""SQL lives in named files: `sql/<name>.sql` of the package that uses it."""

from __future__ import annotations

from importlib.resources import files


def named_sql(package: str | None, name: str) -> str:
    """Return the text of `sql/<name>.sql` in `package` (pass `__package__`)."""
    assert package is not None, "named_sql is for modules inside a package"
    return files(package).joinpath(f"sql/{name}.sql").read_text()
