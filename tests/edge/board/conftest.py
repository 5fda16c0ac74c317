"""A real browser for the board's pages."""

import os
import shutil

import pytest


@pytest.fixture(
    scope="module"
)  # its driver keeps an event loop running: no later test could run one of its own
def chromium():
    """Yield a headless Chromium; skips without one, which fails in continuous integration."""
    path = shutil.which("chromium")
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium is not installed")
        pytest.skip("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=options)
        yield browser
        browser.close()
