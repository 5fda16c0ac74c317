"""A real browser for the board's pages."""

import shutil

import pytest
from playwright.sync_api import sync_playwright


# Of a module: its driver keeps an event loop running, and no later test could run one of its own.
@pytest.fixture(scope="module")
def chromium(needs_chromium):
    """Yield a headless Chromium."""
    options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=options)
        yield browser
        browser.close()
