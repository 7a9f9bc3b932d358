"""Open the board where somebody can see it."""

from __future__ import annotations

import contextlib
import os
import sys
import webbrowser


def somebody_watches() -> bool:
    """Whether somebody sits at this terminal, in front of a screen."""
    screen = sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return screen and sys.stdin.isatty() and sys.stderr.isatty()


def open_page(url: str) -> None:
    """Open the page in the user's browser, if there is one with a window of its own."""
    with contextlib.suppress(webbrowser.Error):
        browser = webbrowser.get()
        # One that runs in the terminal would take it from us.
        if type(browser) is not webbrowser.GenericBrowser:
            browser.open(url)
