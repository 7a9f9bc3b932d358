"""A folder of packages appears whole or not at all, and is built once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cli.localservers import ServicesError
from cli.localservers.buildtools import can_build, require_tools
from cli.localservers.rootfs import Recipe, ensure_rootfs, servers_recipe
from tests.local_servers.support import quiet

SMALL = Recipe(title="a small package", packages=("hostname",), files=(("opt/tool", "#!/bin/sh\n"),))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if not can_build():
        pytest.skip("neither root nor sudo on Debian")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "warren"


def test_builders_at_once_build_once(cache: Path) -> None:
    said: list[str] = []
    with ThreadPoolExecutor() as pool:
        folders = list(pool.map(lambda _: ensure_rootfs(SMALL, "trixie", said.append), range(3)))
    assert len(set(folders)) == 1
    assert len([message for message in said if "only the first time" in message]) == 1
    assert len([message for message in said if "waiting for another process" in message]) == 2
    assert (folders[0] / "usr/bin/hostname").is_file()
    assert (folders[0] / "opt/tool").stat().st_mode & 0o111
    assert "localhost" in (folders[0] / "etc/hosts").read_text()


def test_a_failed_build_leaves_nothing_and_says_why(cache: Path) -> None:
    with pytest.raises(ServicesError, match="no-such-package-here"):
        ensure_rootfs(Recipe(title="nothing", packages=("no-such-package-here",)), "trixie", quiet)
    assert [path.name for path in cache.iterdir()] == ["rootfs.lock"]


def test_what_a_killed_build_left_is_cleared(cache: Path) -> None:
    (cache / "building-killed" / "usr").mkdir(parents=True)
    ensure_rootfs(SMALL, "trixie", quiet)
    assert not (cache / "building-killed").exists()


def test_the_name_changes_with_the_contents() -> None:
    names = {
        SMALL.folder_name("trixie"),
        SMALL.folder_name("sid"),
        Recipe("a small package", ("hostname", "dash"), SMALL.files).folder_name("trixie"),
        Recipe("a small package", ("hostname",)).folder_name("trixie"),
    }
    assert len(names) == 4


def test_trixie_has_the_version_of_production_and_sid_a_newer_one() -> None:
    assert "postgresql-17" in servers_recipe("trixie").packages
    assert "postgresql-18" in servers_recipe("sid").packages


def test_a_machine_without_tools_and_without_apt_is_told_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ServicesError, match="start Docker, install mmdebstrap and bubblewrap as root, or name"):
        require_tools(quiet)


def fake_command(folder: Path, name: str, script: str) -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_tools_are_installed_after_refreshing_the_lists_if_need_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = tmp_path / "calls"
    fake_command(tmp_path, "apt-get", f'echo "$*" >> {calls}; [ $(wc -l < {calls}) -gt 1 ]')
    fake_command(tmp_path, "sudo", 'shift; exec "$@"')
    for name in ("env", "wc", "true"):
        (tmp_path / name).symlink_to(f"/usr/bin/{name}")
    monkeypatch.setenv("PATH", str(tmp_path))
    require_tools(quiet)
    verbs = [line.split()[2] for line in calls.read_text().splitlines()]
    assert verbs == ["install", "update", "install"]


def test_why_apt_failed_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_command(tmp_path, "apt-get", "echo 'E: the disk is full' >&2; exit 100")
    fake_command(tmp_path, "sudo", 'shift; exec "$@"')
    for name in ("env", "true"):
        (tmp_path / name).symlink_to(f"/usr/bin/{name}")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ServicesError, match="E: the disk is full"):
        require_tools(quiet)
