"""A Chromium that playwright can drive is found, or made."""

from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from cli.localservers import ServicesError
from cli.localservers.browser import CHROMIUM, chromium_path
from cli.localservers.buildtools import can_build
from cli.localservers.rootfs import ensure_rootfs
from cli.localservers.settings import read_settings
from tests.local_servers.support import quiet


def test_a_named_browser_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = tmp_path / "my-browser"
    named.touch()
    monkeypatch.setenv("WARREN_CHROMIUM", str(named))
    assert chromium_path(quiet) == named
    named.unlink()
    with pytest.raises(ServicesError, match="WARREN_CHROMIUM"):
        chromium_path(quiet)


def test_then_the_one_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WARREN_CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert chromium_path(quiet) is None
    program = tmp_path / "chromium-browser"
    program.touch(mode=0o755)
    assert chromium_path(quiet) == program


@pytest.mark.browser
def test_playwright_drives_the_unpacked_one(tmp_path: Path) -> None:
    if not can_build():
        pytest.skip("neither root nor sudo on Debian")
    program = ensure_rootfs(CHROMIUM, read_settings().debian_suite, quiet) / "warren-chromium"
    picture = tmp_path / "page.png"
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=program) as browser:
        page = browser.new_page()
        page.set_content("<h1>Warren</h1><script>document.title = 6 * 7</script>")
        assert page.title() == "42"
        page.screenshot(path=picture)
    assert picture.read_bytes().startswith(b"\x89PNG")
