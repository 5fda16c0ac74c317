"""Signing in by password at the real board, in a browser that sends what browsers send with a form."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from edge.identity.accounts import Account, Accounts, hashed, save_accounts
from edge.stack import Stack
from streams.config.settings import Settings

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[3]
PASSWORD = "a long enough password"
STOP_S = 10.0


@pytest.fixture
def address(tmp_path):
    nurse = Account(role="nurse", wards=("icu",), password=hashed(PASSWORD))
    save_accounts(tmp_path / "accounts.toml", Accounts(accounts={"nurse-1": nurse}))
    with Stack(Settings(brokers="", partitions=2, data_dir=tmp_path / "data")) as stack:
        stack.wait_ready()
        command = [sys.executable, "-m", "edge", "board", "--port", "0", "--metrics-port", "0"]
        accounts = str(tmp_path / "accounts.toml")
        environment = {**os.environ, "VIGIL_BROKERS": stack.settings.brokers, "VIGIL_ACCOUNTS": accounts}
        said = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        try:
            found = re.search(r"http://\S+", said.stdout.readline())
            assert found
            yield found[0]
        finally:
            said.terminate()
            said.wait(STOP_S)
            said.stdout.close()


def test_a_wrong_password_is_refused_on_the_page_and_the_right_one_leads_to_the_ward(chromium, address):
    context = chromium.new_context()
    context.set_default_timeout(30_000)
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("input[type=password]")
    for password in ("a wrong password", PASSWORD):
        page.fill("input:not([type=password]):not([type=hidden])", "nurse-1")
        page.fill("input[type=password]", password)
        page.keyboard.press("Enter")
        if password != PASSWORD:
            page.wait_for_selector("[role=alert]")
    page.wait_for_selector("text=nurse-1")
    assert page.locator("input[type=password]").count() == 0
    context.close()
