"""Files that servers running as another user read."""

from pathlib import Path


def write_readable(folder: Path, files: dict[str, str]) -> None:
    """Write files that everybody may read, whatever the caller's umask. The folder is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    for name, text in files.items():
        file = folder / name
        file.write_text(text)
        file.chmod(0o644)
