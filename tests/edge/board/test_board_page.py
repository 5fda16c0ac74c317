"""The board's pages in a real browser, against a server that speaks the contract: what they show, sound and send."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from board_wards import HOUR_MS, alarm, bed, day_of, desaturation, limits_of, ward_of
from fake_board import FakeBoard, now_ms
from page_tools import LIVE, open_page, until

pytestmark = pytest.mark.browser


@pytest.fixture
def board():
    with FakeBoard([bed("p1", bed="01"), bed("p2", bed="02", alarms=[desaturation()])]) as server:
        yield server


def tile(page, patient):
    return page.locator(f'li[data-key="{patient}"]')


def test_the_page_keeps_to_a_strict_policy_and_inline_script_is_blocked(chromium, board):
    with open_page(chromium, board) as page:
        page.evaluate(
            "window.broken = []; document.addEventListener('securitypolicyviolation', (e) => broken.push(e))"
        )
        page.keyboard.press("a")
        page.keyboard.press("Escape")
        page.goto(f"{board.url}/bed/p2")
        page.wait_for_selector(LIVE)
        assert page.said_of_policy == []
        page.evaluate(
            "const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s)"
        )
        assert page.evaluate("window.ran") is None
        assert any("Content Security Policy" in text for text in page.said_of_policy)


@pytest.mark.parametrize(("scheme", "size"), [("light", (390, 844)), ("dark", (1920, 1080))])
@pytest.mark.parametrize("path", ["/", "/bed/p001", "/load"])
def test_axe_finds_nothing_on_any_page(chromium, scheme, size, path):
    with FakeBoard(ward_of(18)) as server:
        server.page_of["p001"] = {"trend": day_of(), "limits": limits_of()}
        shift = now_ms() - HOUR_MS
        counts = {"high": 1, "medium": 3, "low": 0, "technical": 2}
        row = {
            "patient": "p001",
            "ward": "3 West",
            "shift_ts_ms": shift,
            "alarms": counts,
            "rules": {"spo2-low": 4},
        }
        server.load = {"beds": [row], "shifts": [shift], "shift_ms": 8 * HOUR_MS}
        server.standing[1] = now_ms() - 60_000
        with open_page(chromium, server, path, scheme=scheme, size=size, ready=".banner") as page:
            page.wait_for_selector(".tile, .trend, .load tbody tr")
            found = Axe().run(page).response["violations"]
            assert [(each["id"], each["nodes"][0]["html"][:120]) for each in found] == []


def test_a_question_is_read_by_axe_as_well(chromium, board):
    with open_page(chromium, board) as page:
        page.keyboard.press("a")
        page.wait_for_selector("dialog[open]")
        assert Axe().run(page).response["violations"] == []


def test_every_act_of_the_ward_is_done_by_keys_alone(chromium, board):
    with open_page(chromium, board) as page:
        page.keyboard.press("j")
        assert page.evaluate("document.activeElement.closest('li').dataset.key") == "p2"  # the most severe
        page.keyboard.press("j")
        assert page.evaluate("document.activeElement.closest('li').dataset.key") == "p1"
        page.keyboard.press("k")
        page.keyboard.press("Enter")
        page.wait_for_selector(".bed-page")
        assert page.evaluate("location.pathname") == "/bed/p2"
        page.keyboard.press("a")
        page.wait_for_selector("dialog[open]")
        page.keyboard.press("Enter")
        until(lambda: board.commands, "the acknowledgement")
        assert board.commands[0]["kind"] == "acknowledge"
        assert board.commands[0]["episode"] == board.beds["p2"]["alarms"][0]["episode"]
        page.keyboard.press("Escape")
        page.wait_for_selector(".wall")
        page.keyboard.press("/")
        page.keyboard.type("01")
        until(lambda: page.locator(".tile").count() == 1, "the bed that was searched")
        page.keyboard.press("Escape")
        until(lambda: page.locator(".tile").count() == 2, "all beds again")
        page.keyboard.press("p")
        page.wait_for_selector("dialog[open] select")
        page.keyboard.press("Escape")
        page.wait_for_selector("dialog", state="detached")
        assert len(board.commands) == 1


def test_the_first_tab_stop_skips_to_the_beds_and_focus_is_seen(chromium, board):
    with open_page(chromium, board) as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        width = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
        assert page.evaluate("document.activeElement.className") == "tile"
        assert float(width.removesuffix("px")) >= 2


FLASHES = """(key) => {
    const tile = document.querySelector(`li[data-key="${key}"] .tile`);
    return tile.getAnimations({subtree: true}).map(({effect, startTime}) => [
        1000 / effect.getComputedTiming().duration,
        startTime,
        effect.getKeyframes().map((frame) => [frame.computedOffset, frame.opacity]),
    ]);
}"""


def test_flashes_have_the_frequencies_of_iec_60601_1_8_half_on_half_off_and_in_one_phase(chromium, board):
    board.put(
        bed("m", alarms=[alarm("hr-high", "medium", signal="hr", value=130, high=120)]),
        bed("l", alarms=[alarm("temp-high", "low", signal="temp", value=39.5, high=39)]),
    )
    with open_page(chromium, board) as page:
        page.wait_for_selector('li[data-key="m"]')
        high, medium = page.evaluate(FLASHES, "p2"), page.evaluate(FLASHES, "m")
        assert high
        assert medium
        assert all(1.4 <= hz <= 2.8 and hz < 3 for hz, _, _ in high)
        assert all(0.4 <= hz <= 0.8 for hz, _, _ in medium)
        assert all([str(frames[2][0]), frames[2][1]] == ["0.5", "0"] for _, _, frames in high + medium)
        assert {start for _, start, _ in high + medium} == {0}
        assert page.evaluate(FLASHES, "l") == []
        assert page.evaluate(FLASHES, "p1") == []


def test_with_less_motion_nothing_flashes_and_the_frame_stays(chromium, board):
    with open_page(chromium, board, reduced_motion="reduce") as page:
        assert page.evaluate(FLASHES, "p2") == []
        style = page.evaluate(
            "getComputedStyle(document.querySelector('li[data-key=\"p2\"] .tile'), '::after').borderTopStyle"
        )
        assert style == "double"


def test_a_priority_is_told_by_shape_stars_and_word_beside_its_colour(chromium, board):
    with open_page(chromium, board) as page:
        assert tile(page, "p2").locator(".mark").inner_text() == "▲ ***"
        assert "high: SpO₂ desat 78 % below 80" in tile(page, "p2").locator("a").get_attribute("aria-label")
        assert page.locator("#counts").inner_text().startswith("▲ 1 high")
        assert page.locator(".tile").first.get_attribute("href") == "/bed/p2"


def test_acknowledging_ends_flash_and_sound(chromium, board):
    def acknowledge(body):
        known = {**board.beds["p2"]["alarms"][0], "state": "acknowledged", "acknowledged_by": "nurse-1"}
        board.put({**board.beds["p2"], "alarms": [known]})
        return 200, {"outcome": "accepted", "reason": "known", "alerts": []}

    board.answer = acknowledge
    with open_page(chromium, board) as page:
        page.click("#sound")
        page.wait_for_selector('body[data-sounding="high"]')
        page.keyboard.press("a")
        page.wait_for_selector("dialog[open]")
        page.keyboard.press("Enter")
        page.wait_for_selector('li[data-key="p2"]:not([data-flash])')
        page.wait_for_selector("body:not([data-sounding])")
        assert page.evaluate(FLASHES, "p2") == []
        assert "known to nurse-1" in tile(page, "p2").inner_text()


def test_there_is_no_sound_before_a_tap_and_high_priority_breaks_a_quiet_minute(chromium, board):
    with open_page(chromium, board) as page:
        assert "tap" in page.locator("#sound").inner_text()
        assert page.locator("body[data-sounding]").count() == 0
        page.click("#sound")
        page.wait_for_selector('body[data-sounding="high"]')
        page.click("#sound-quiet")
        page.wait_for_selector("body:not([data-sounding])")
        board.put(bed("p1", bed="01", alarms=[desaturation(0.1)]))
        page.wait_for_selector('body[data-sounding="high"]')
        until(lambda: "01" in page.locator("#spoken").inner_text(), "the new alarm, spoken")


def test_old_values_are_never_shown_as_new_and_age_by_themselves(chromium, board):
    values, ages_ms = {"hr": 71, "spo2": 95, "temp": 36.9}, {"hr": 3_000, "spo2": 70_000, "temp": 0}
    with open_page(chromium, board) as page:
        board.put(bed("p1", bed="01", values=values, ages_ms=ages_ms))
        vitals = tile(page, "p1").locator(".vital")
        state = lambda index: vitals.nth(index).get_attribute("data-freshness")  # noqa: E731
        until(lambda: (state(0), state(1)) == ("new", "old"), "a fresh heart rate beside an old saturation")
        assert "1 min" in vitals.nth(1).inner_text()
        line = vitals.nth(1).locator(".value").evaluate("(e) => getComputedStyle(e).textDecorationLine")
        assert line == "line-through"
        assert state(4) == "aged"  # a temperature is taken now and then: its age is always there
        until(lambda: state(0) == "aged", "the heart rate ages though nothing comes", 14)
        assert re.search(r"1\d s", vitals.nth(0).inner_text())


def test_trends_leave_gaps_open_and_show_an_hourly_cuff_as_points(chromium, board):
    whole = {"hr": {"count": 900, "mean": 78.3, "low": 71.0, "high": 84.0}}
    windows = {"minutes": 15, "whole": whole}
    board.page_of["p1"] = {"trend": day_of(), "limits": limits_of(), "windows": windows}
    with open_page(chromium, board, "/bed/p1") as page:
        page.wait_for_selector('.trend[data-plot="Heart rate"]')
        assert page.locator('path[data-signal="hr"]').count() == 2  # the gap of 70 minutes
        assert page.locator('path[data-signal="spo2"]').count() == 3  # and twelve minutes without a reading
        cuffs = page.locator('circle[data-signal="nbp_sys"]')
        assert cuffs.count() >= 23
        box = cuffs.first.bounding_box()
        assert box["width"] > 4
        assert page.locator(".limit-text", has_text="HR high 120").count() == 1
        assert page.locator(".lately").first.inner_text() == "last 15 min: HR mean 78, 71 to 84"
        page.click('button[data-hours="1"]')
        page.wait_for_selector('button[data-hours="1"][aria-pressed="true"]')
        assert page.locator('circle[data-signal="nbp_sys"]').count() <= 3


def test_a_source_that_is_late_is_named_and_asked_for_again(chromium, board):
    board.page_of["p1"] = {"late": ["history"]}
    with open_page(chromium, board, "/bed/p1") as page:
        page.wait_for_selector("text=Late, shown without: history.")
        board.page_of["p1"] = {"trend": day_of()}
        page.wait_for_selector('.trend[data-plot="Respiration"]')
        until(lambda: page.locator(".late").inner_text() == "", "nothing late")


HOSTILE = "<img src=x onerror='window.ran=1'><script>window.ran=1</script>"


def test_text_that_looks_like_markup_is_shown_as_text(chromium, board):
    """CVE-2020-16218, a central station's read-only page: what comes from outside is text and nothing else."""
    wrong = desaturation(reason=HOSTILE, asked={"to": HOSTILE, "status": "requested", "step": 1})
    board.names["evil"] = f"W{HOSTILE}"
    board.put(bed("x", "evil", bed=HOSTILE, alarms=[wrong]))
    board.page_of["x"] = {
        "commands": [{"kind": "pause", "actor": HOSTILE, "issued_ts_ms": 1, "reason": HOSTILE}]
    }
    board.answer = lambda body: (200, {"outcome": "refused", "reason": HOSTILE, "alerts": []})
    with open_page(chromium, board) as page:
        assert page.locator(".ward-name", has_text="W<img src=x").count() == 1
        tile(page, "x").locator("a").click()
        page.wait_for_selector(".alarm .reason")
        assert page.locator(".alarm .reason").inner_text() == HOSTILE
        page.click('.alarm [data-kind="accept"]')
        page.wait_for_selector("#queue .reason")
        assert page.locator("#queue .reason").inner_text() == HOSTILE
        assert page.locator("img, main script").count() == 0
        assert page.evaluate("window.ran") is None


def test_the_load_page_counts_by_bed_and_shift(chromium, board):
    shifts = [now_ms() // HOUR_MS * HOUR_MS - 8 * HOUR_MS, now_ms() // HOUR_MS * HOUR_MS]

    def row(patient, shift, high, medium):
        counts = {"high": high, "medium": medium, "low": 0, "technical": 0}
        return {
            "patient": patient,
            "ward": "3 East",
            "shift_ts_ms": shift,
            "alarms": counts,
            "rules": {"hr-high": 2},
        }

    board.load = {
        "shifts": shifts,
        "shift_ms": 8 * HOUR_MS,
        "beds": [row("p1", shifts[0], 0, 2), row("p2", shifts[1], 1, 4)],
    }
    with open_page(chromium, board, "/load") as page:
        page.wait_for_selector(".load tbody tr")
        rows = page.locator(".load tbody tr").all_inner_texts()
        assert [text.split()[0] for text in rows] == ["02", "01"]
        assert "5" in rows[0]
        assert "HR high" in rows[0]
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.wait_for_selector(".bed-page")


def test_a_refused_command_says_why_and_who_may(chromium, board):
    board.answer = lambda body: (403, {"detail": "a viewer may not acknowledge in 3 East: a nurse may"})
    with open_page(chromium, board) as page:
        page.keyboard.press("a")
        page.wait_for_selector("dialog[open]")
        page.keyboard.press("Enter")
        page.wait_for_selector("#queue >> text=a nurse may")
        assert page.locator('#queue li[data-state="refused"]').count() == 1


def test_what_is_not_answered_stays_in_the_queue_over_a_reload_and_is_asked_again_by_its_id(chromium, board):
    board.answer = lambda body: (504, {"id": body["id"], "detail": "no answer yet"})
    with open_page(chromium, board) as page:
        page.keyboard.press("a")
        page.wait_for_selector("dialog[open]")
        page.keyboard.press("Enter")
        page.wait_for_selector("#queue >> text=1 not answered yet")
        page.reload()
        page.wait_for_selector("#queue li")
        board.answer = lambda body: (200, {"outcome": "accepted", "reason": "known", "alerts": []})
        page.wait_for_selector('#queue li[data-state="accepted"]')
    assert len(board.commands) >= 2
    assert len({command["id"] for command in board.commands}) == 1


def test_limits_and_pauses_are_sent_as_the_commands_say(chromium, board):
    board.page_of["p2"] = {"limits": limits_of()}
    with open_page(chromium, board, "/bed/p2") as page:
        page.click('button[aria-label="Change limits of SpO₂ low"]')
        page.fill('dialog input[name="low"]', "85")
        page.fill('dialog input[name="reason"]', "COPD")
        page.click("dialog .primary")
        until(lambda: board.commands, "the limits")
        page.keyboard.press("p")
        page.select_option('dialog select[name="mode"]', "alarm-off")
        page.fill('dialog input[name="reason"]', "washing")
        page.click("dialog .primary")
        until(lambda: len(board.commands) == 2, "the pause")
    limits, pause = board.commands
    assert {**limits, "id": ""} == {
        "id": "", "kind": "set-limits", "patient": "p2", "rule": "spo2-low", "low": 85, "high": None, "reason": "COPD",
    }  # fmt: skip
    assert {**pause, "id": ""} == {
        "id": "", "kind": "pause", "patient": "p2", "mode": "alarm-off", "reason": "washing",
    }  # fmt: skip


def test_who_is_signed_in_is_there_with_broken_glass_and_its_answer(chromium, board):
    with open_page(chromium, board) as page:
        page.click("#who")
        page.wait_for_selector("dialog >> text=nurse-1, nurse: all wards")
        page.click("text=Break the glass …")
        page.fill('dialog input[name="patient"]', "p9")
        page.fill('dialog input[name="reason"]', "arrest in the next ward")
        page.click("dialog .primary")
        page.wait_for_selector("dialog >> text=The glass is broken for p9.")
    assert board.glasses == [{"patient": "p9", "reason": "arrest in the next ward"}]


def test_buttons_of_what_a_person_may_not_do_are_grey(chromium, board):
    board.person = {"id": "v", "role": "viewer", "wards": ["*"], "acts": {"*": ["view"]}}
    with open_page(chromium, board, "/bed/p2") as page:
        page.wait_for_selector('.alarm [data-kind="acknowledge"]:disabled')


SIZES = """() => [...document.querySelectorAll('[data-size=big] .measured')]
    .map((each) => parseFloat(getComputedStyle(each).fontSize) / innerWidth)"""
CLIPPED = """() => [...document.querySelectorAll('.tile .value, .tile .bed, .tile .measured')].filter((each) => {
    const bottom = (element) => element.getBoundingClientRect().bottom;
    return each.offsetParent && bottom(each) > bottom(each.closest('.tile')) + 1;
}).length"""


@pytest.mark.parametrize("size", [(390, 844), (1920, 1080), (3840, 2160)])
def test_nothing_is_wider_than_the_screen_or_cut_off_and_what_alarms_is_large(chromium, size):
    with FakeBoard(ward_of(54)) as server, open_page(chromium, server, size=size) as page:
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        sizes = page.evaluate(SIZES)
        assert sizes
        assert min(sizes) > 0.02  # of the screen's width: 25 mm on a wall of 1.2 m, read from 5 m
        assert page.evaluate(CLIPPED) == 0
