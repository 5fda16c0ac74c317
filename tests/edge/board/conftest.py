"""A real browser for the board's pages, and a clock that stands still for what is told in FHIR."""

import shutil

import pytest
from fhir_of_board import NOW_MS
from playwright.sync_api import sync_playwright

from edge.board import fhir_routes


# Of a module: its driver keeps an event loop running, and no later test could run one of its own.
@pytest.fixture(scope="module")
def chromium(needs_chromium):
    """Yield a headless Chromium."""
    options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=options)
        yield browser
        browser.close()


@pytest.fixture
def stopped_clock(monkeypatch):
    """Let it be `NOW_MS` for whoever asks for FHIR."""
    monkeypatch.setattr(fhir_routes, "_now_ms", lambda: NOW_MS)
