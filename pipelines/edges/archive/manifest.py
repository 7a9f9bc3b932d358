"""What a month's folder says of its files. It is written last: a folder without it is an unfinished attempt."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from pipelines.edges.archive.errors import ArchiveDamaged

FILE = "manifest.json"


class FileEntry(BaseModel):
    """One Parquet file: its rows, the numbers of the first and the last order in it, its size in bytes, its SHA-256."""

    model_config = ConfigDict(frozen=True)

    name: str
    rows: int
    first_order_no: int
    last_order_no: int
    size: int
    sha256: str


class Manifest(BaseModel):
    """A month of a dataset. Its files, one behind the other, are sorted by order number."""

    model_config = ConfigDict(frozen=True)

    format: Literal[1] = 1
    dataset: str
    month: str
    rows: int
    files: tuple[FileEntry, ...]

    @property
    def size(self) -> int:
        """The size of all files together."""
        return sum(entry.size for entry in self.files)

    def with_order(self, order_no: int) -> list[FileEntry]:
        """Return the files that may have rows of the order."""
        return [entry for entry in self.files if entry.first_order_no <= order_no <= entry.last_order_no]

    def to_bytes(self) -> bytes:
        """Return it as it is written."""
        return self.model_dump_json(indent=1).encode()


def read_manifest(body: bytes, path: str) -> Manifest:
    """Read one that lies at `path`. Raises ArchiveDamaged."""
    try:
        return Manifest.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(place) for place in first["loc"])
        raise ArchiveDamaged(
            f"{path} is no manifest this release can read ({where}: {first['msg']}); a later one may have written it"
        ) from error
