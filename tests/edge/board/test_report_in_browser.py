"""The safety officer's report in a real browser: axe finds nothing in light or dark, and a phone shows it whole."""

from collections import Counter
from zoneinfo import ZoneInfo

import pytest
from alert_of import alert_of
from axe_playwright_python.sync_playwright import Axe

from edge.reports.episodes import episodes_of
from edge.reports.figures import figures
from edge.reports.page import page
from edge.reports.shifts import DEFAULT, Rota
from streams.contracts.reference import Reference

pytestmark = pytest.mark.browser

DAY_MS = 86_400_000
FROM_MS = 20_000 * DAY_MS
HOUR_MS = 3_600_000


def alerts():
    """Return alarms of twelve beds over two days, every third one acknowledged: every step of the heat is there."""
    for i in range(120):
        said = {
            "episode": f"{i:016x}",
            "patient": f"bed-{(i * i) % 12}",
            "rule": ("hr-high", "spo2-low", "alarms-paused", "check-sensor")[i % 4],
            "priority": ("high", "medium", "low")[i % 3],
            "type": "technical" if i % 4 == 3 else "physiological",
            "onset_ts_ms": FROM_MS + i % 40 * HOUR_MS,
        }
        yield alert_of(id=f"{i:016x}-0", append_ts_ms=said["onset_ts_ms"], **said)
        if i % 3 == 0:
            at_ms = said["onset_ts_ms"] + 1000 * i
            yield alert_of(id=f"{i:016x}-1", phase="update", append_ts_ms=at_ms, acknowledged_by="n7", **said)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    utc, rota = ZoneInfo("UTC"), Rota.of(DEFAULT)
    found = figures(
        list(episodes_of(alerts())), [], FROM_MS, FROM_MS + 2 * DAY_MS, rota, lambda *_: "icu", lambda _: utc
    )
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(page(found, rota, Reference(), lambda _: utc, FROM_MS, "report.csv"), encoding="utf-8")
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_is_asked_for(chromium, report, scheme):
    context = chromium.new_context(
        color_scheme=scheme, bypass_csp=True
    )  # axe is a script, the page allows none
    asked = Counter()
    tab = context.new_page()
    tab.on("request", lambda request: asked.update([request.url]))
    tab.goto(report.as_uri())
    found = Axe().run(tab)
    assert found.violations_count == 0, found.generate_report()
    assert set(asked) == {report.as_uri()}
    context.close()


def test_a_phone_scrolls_tables_and_not_the_page_and_nothing_is_refused_by_its_policy(chromium, report):
    context = chromium.new_context(viewport={"width": 390, "height": 800})
    said = []
    tab = context.new_page()
    tab.on("console", lambda message: said.append(message.text))
    tab.goto(report.as_uri())
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    assert tab.evaluate("document.querySelectorAll('.h4').length") > 0
    assert said == []
    context.close()
