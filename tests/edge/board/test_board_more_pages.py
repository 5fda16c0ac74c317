"""The pages of who is on and of rules on trial in a real browser: keys, answers, names, phone, axe."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from board_pages import HOUR_MS, rota_of, trial_of
from board_wards import bed
from fake_board import FakeBoard, now_ms
from page_tools import LIVE, open_page, until

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror='window.ran=1'>"


@pytest.fixture
def board():
    with FakeBoard([bed("p1", bed="01"), bed("p2", bed="02")]) as server:
        server.rota, server.trial = rota_of(), trial_of()
        yield server


@pytest.mark.parametrize(("scheme", "size"), [("light", (390, 844)), ("dark", (1280, 800))])
@pytest.mark.parametrize("path", ["/assignments", "/shadow"])
def test_axe_finds_nothing_nothing_is_too_wide_and_the_policy_holds(chromium, board, scheme, size, path):
    with open_page(chromium, board, path, scheme=scheme, size=size) as page:
        page.wait_for_selector("main tbody tr")
        found = Axe().run(page).response["violations"]
        assert [(each["id"], each["nodes"][0]["html"][:120]) for each in found] == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.said_of_policy == []


def test_who_is_asked_at_each_bed_is_told_and_a_beds_own_people_stand_out(chromium, board):
    with open_page(chromium, board, "/assignments") as page:
        page.wait_for_selector(".rota-beds")
        texts = page.locator('[data-ward="3e"] .rota-beds li').all_inner_texts()
        assert texts[0].split() == ["01", "nurse:", "n-12", "charge:", "c-1"]
        assert texts[1].split() == ["02", "nurse:", "n-4,", "n-9", "(own)", "charge:", "c-1"]
        assert page.locator('[data-ward="3w"] .rota-beds li').inner_text().split() == ["20", "nobody"]
        assert page.locator("tr[data-planned]").count() == 1
        assert page.locator('[data-ward="3w"] button').first.is_disabled()


def test_an_assignment_is_made_and_ended_by_keys_alone_and_its_answer_is_shown(chromium, board):
    with open_page(chromium, board, "/assignments") as page:
        page.wait_for_selector(".rota-beds")
        page.keyboard.press("j")
        assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Assign in 3 East"
        page.keyboard.press("Enter")
        page.wait_for_selector("dialog[open]")
        assert Axe().run(page).response["violations"] == []
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        page.keyboard.type("n-77")
        page.keyboard.press("Enter")
        until(lambda: board.said, "the assignment")
        (said,) = board.said
        assert {**said, "until_ts_ms": 0} == {
            "act": "assign",
            "place": "p1",
            "role": "charge",
            "person": "n-77",
            "until_ts_ms": 0,
        }
        assert abs(said["until_ts_ms"] - now_ms() - 8 * HOUR_MS) < 2 * 60_000
        page.wait_for_selector('.answer[data-outcome="done"] >> text=Done: done.')
        assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Assign in 3 East"
        board.answer = lambda _: (403, {"detail": "you may not say who is on here"})
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.wait_for_selector("dialog[open]")
        page.keyboard.press("Enter")
        page.wait_for_selector('.answer[data-outcome="not-done"] >> text=you may not say who is on here')
        first = board.rota[0]["assignments"][0]
        about = {name: first[name] for name in ("place", "role", "person", "from_ts_ms")}
        assert board.said[1] == {"act": "end", **about}


def test_who_stands_on_a_button_stays_there_when_others_change_the_rota(chromium, board):
    with open_page(chromium, board, "/assignments") as page:
        page.wait_for_selector(".rota-beds")
        page.keyboard.press("j")
        page.keyboard.press("j")
        board.rota = [{**board.rota[0], "name": "Third East"}, board.rota[1]]
        page.wait_for_selector("h2 >> text=Third East")
        assert (
            page.evaluate("document.activeElement.getAttribute('aria-label')")
            == "End: c-1, charge, Whole ward"
        )


def test_names_that_look_like_markup_are_text(chromium, board):
    board.rota[0]["assignments"][0] |= {"person": HOSTILE, "role": HOSTILE}
    board.rota[0]["name"] = HOSTILE
    board.trial["differences"][0] |= {"reason": HOSTILE, "rule": HOSTILE}
    for path in ("/assignments", "/shadow"):
        with open_page(chromium, board, path) as page:
            page.wait_for_selector("main tbody >> text=<img src=x")
            assert page.locator("main img").count() == 0
            assert page.evaluate("window.ran") is None


def test_a_trial_tells_by_ward_and_rule_what_only_one_side_told_and_how_much_later(chromium, board):
    with open_page(chromium, board, "/shadow") as page:
        page.wait_for_selector("main tbody tr")
        rows = page.locator("main table").first.locator("tbody tr").all_inner_texts()
        assert rows[0].split("\t")[:5] == ["3 East", "HR high", "14", "9", "5"]
        assert rows[1].split("\t")[6:8] == ["2 (8 s)", "1 (3 s)"]
        told = page.locator("main table").last.locator("tbody tr").all_inner_texts()
        assert "only the present rules; the others told hr-extreme-high then" in told[0]
        assert "later by 8 s" in told[2]
        assert page.locator("main button, main form").count() == 0
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.wait_for_selector(".bed-page")


def test_without_a_trial_the_page_says_so(chromium, board):
    board.trial = {"rules": None}
    with open_page(chromium, board, "/shadow") as page:
        page.wait_for_selector("text=No rules are tried now.")


def test_a_ward_that_is_called_otherwise_is_called_so_on_open_pages(chromium, board):
    with open_page(chromium, board) as page:
        page.wait_for_selector(".ward-name >> text=3 East")
        board.call("3 East", "Cardiology")
        page.wait_for_selector(".ward-name >> text=Cardiology")
        page.click('nav a[href="/assignments"]')
        page.wait_for_selector(f"{LIVE} >> visible=true")
        assert page.evaluate("location.pathname") == "/assignments"
