"""The browser that the board's tests drive works here."""

import pytest


@pytest.mark.browser
def test_a_page_is_shown_in_a_real_browser(chromium):
    page = chromium.new_page()
    page.set_content("<h1>ward 3</h1>")
    assert page.locator("h1").inner_text() == "ward 3"
    page.close()
