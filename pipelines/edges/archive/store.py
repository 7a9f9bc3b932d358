"""Where the files lie: a folder, or whatever fsspec reaches, such as S3. A file is there whole, or not at all."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from pipelines.edges.archive.errors import ArchiveAway, ArchiveDamaged
from schemas.errors import SettingsError, WarrenError, said

_BLOCK = 4 * 1024 * 1024

# Somebody waits for the answer: an archive that does not give one is away.
_S3_PATIENCE = {"connect_timeout": 3, "read_timeout": 20, "retries": {"max_attempts": 2}}


class Store:
    """Files under one address. Every method raises ArchiveAway where it does not answer or is not there."""

    def __init__(self, url: str | None) -> None:
        """Connects to nothing yet. Raises SettingsError where there is no such address."""
        if not url:
            raise SettingsError("WARREN_ARCHIVE_URL is not set; name a folder, or s3://BUCKET/PREFIX")
        options: dict[str, Any] = {"skip_instance_cache": True}
        if url.startswith("s3://"):
            options |= {"use_listings_cache": False, "config_kwargs": _S3_PATIENCE}
        try:
            self._files, root = fsspec.core.url_to_fs(url, **options)
        except ImportError as error:
            raise SettingsError(f"WARREN_ARCHIVE_URL: {said(error)}; or warren's extra `s3`") from error
        except (ValueError, TypeError) as error:
            raise SettingsError(f"WARREN_ARCHIVE_URL: {said(error)}") from error
        self._root = root.rstrip("/")
        self._local = isinstance(self._files, LocalFileSystem)

    def read(self, path: str) -> bytes:
        """Return a small file's bytes. Raises ArchiveDamaged where it is missing."""
        with self._asked(path):
            body: bytes = self._files.cat_file(self._full(path))
            return body

    @contextmanager
    def open(self, path: str) -> Iterator[io.RawIOBase]:
        """Give a file to read from, at any place. Raises ArchiveDamaged where it is missing."""
        with self._asked(path):
            file = self._files.open(self._full(path), "rb")
        reading = _Reading(file, path)
        try:
            yield reading
        finally:
            reading.close()

    def sha256(self, path: str) -> str:
        """Return the digest of a file as it lies there. Raises ArchiveDamaged where it is missing."""
        digest = hashlib.sha256()
        with self.open(path) as file:
            while block := file.read(_BLOCK):
                digest.update(block)
        return digest.hexdigest()

    @contextmanager
    def create(self, path: str) -> Iterator[Writing]:
        """Give a file to write. It appears when the block ends well, and then is safe on disk."""
        full = self._full(path)
        aside = f"{full}.unfinished" if self._local else full
        with self._asked(path):
            if self._local:
                self._files.makedirs(os.path.dirname(full), exist_ok=True)  # noqa: PTH120 - a path of the store's
            file = self._files.open(aside, "wb")
        writing = Writing(file, path)
        try:
            yield writing
            with self._asked(path):
                if self._local:
                    file.flush()
                    os.fsync(file.fileno())
                file.close()
                if self._local:
                    Path(aside).replace(full)
                    _sync_folder(Path(full).parent)
        except BaseException:
            with suppress(Exception):  # what went wrong is being raised
                if not self._local:
                    file.discard()
                    file.closed = True  # or it would be uploaded all the same, when it is collected
                file.close()
            raise

    def remove(self, path: str) -> None:
        """Remove a file; it need not be there."""
        with suppress(ArchiveDamaged), self._asked(path):
            self._files.rm_file(self._full(path))

    def names(self, folder: str) -> list[str]:
        """Return the names of the files in a folder; nothing where it is missing."""
        full = self._full(folder)
        with suppress(ArchiveDamaged), self._asked(folder):
            return sorted(found.rpartition("/")[2] for found in self._files.ls(full, detail=False))
        return []

    def _full(self, path: str) -> str:
        return f"{self._root}/{path}"

    def _is_there(self) -> bool:
        if self._local:
            return Path(self._root).is_dir()
        try:
            return bool(self._files.exists(self._root.lstrip("/").partition("/")[0]))
        except Exception:  # not to be asked of everywhere
            return True

    @contextmanager
    def _asked(self, path: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            if not self._is_there():
                what = "folder" if self._local else "bucket, of"
                raise ArchiveAway(
                    f"the archive's {what} {self._root}, is not there; make or mount it, or mend WARREN_ARCHIVE_URL"
                ) from error
            raise ArchiveDamaged(
                f"{path} is missing in the archive; bring it back from a copy, then `warren archive verify`"
            ) from error
        except WarrenError:
            raise
        except Exception as error:  # every kind of store has errors of its own
            raise _away(path, error) from error


class Writing:
    """A file that is being written; `digest` is that of all written so far, `size` their number of bytes."""

    def __init__(self, file: Any, path: str) -> None:
        self._file = file
        self._path = path
        self._digest = hashlib.sha256()
        self.size = 0
        self.closed = False

    @property
    def digest(self) -> str:
        """The SHA-256, in hexadecimal."""
        return self._digest.hexdigest()

    def write(self, data: Any) -> int:
        """Take bytes."""
        try:
            self._file.write(data)
        except Exception as error:  # every kind of store has errors of its own
            raise _away(self._path, error) from error
        self._digest.update(data)
        self.size += len(data)
        return len(data)

    def tell(self) -> int:
        """Return how much was written."""
        return self.size

    def flush(self) -> None:
        """Do nothing: the end counts."""

    def close(self) -> None:
        """Do nothing: whoever made it closes it."""


class _Reading(io.RawIOBase):
    """A file of the store's whose errors are ours, so that nobody takes a broken link for a broken file."""

    def __init__(self, file: Any, path: str) -> None:
        self._file = file
        self._path = path

    def read(self, size: int = -1) -> bytes:
        try:
            data: bytes = self._file.read(size)
        except Exception as error:  # every kind of store has errors of its own
            raise _away(self._path, error) from error
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        place: int = self._file.seek(offset, whence)
        return place

    def tell(self) -> int:
        place: int = self._file.tell()
        return place

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        self._file.close()
        super().close()


def _away(path: str, error: Exception) -> ArchiveAway:
    return ArchiveAway(f"the archive does not answer at {path}: {said(error)}; is it up? see WARREN_ARCHIVE_URL")


def _sync_folder(folder: Path) -> None:
    """Make a rename survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
