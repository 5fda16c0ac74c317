"""Honest silence in a real browser: what stands still is named within 5 s, and the page comes back by itself."""

import random
import time

import pytest
from board_wards import alarm, bed, desaturation, worst_of
from fake_board import FakeBoard
from page_tools import LIVE, open_page, until

pytestmark = pytest.mark.browser

BANNER_S_MAX = 5.0
NO_WORKER = "delete window.SharedWorker"
WRITE_DOWN_BANNERS = """() => {
    window.told = [];
    const banners = document.getElementById('banners');
    const observer = new MutationObserver(() => told.push(banners.innerText));
    observer.observe(banners, {childList: true, subtree: true, characterData: true});
}"""
SHOWN = """() => [...document.querySelectorAll('li[data-key]')].map((li) => [
    li.dataset.key, li.dataset.severity, li.dataset.flash ?? null,
    li.querySelector('.bed').textContent, li.querySelectorAll('.vital .value')[0].textContent,
])"""


@pytest.fixture
def board():
    with FakeBoard([bed(f"p{number}") for number in range(8)]) as server:
        yield server


def seconds_to_banner(page, act):
    began_s = time.monotonic()
    act()
    page.wait_for_selector(".banner")
    return time.monotonic() - began_s


@pytest.mark.parametrize("before", [None, NO_WORKER], ids=["shared", "own"])
def test_a_stopped_server_is_told_of_within_5_s_and_its_return_too(chromium, board, before):
    with open_page(chromium, board, before=before) as page:
        assert seconds_to_banner(page, board.stall) <= BANNER_S_MAX
        assert "No word from the server" in page.locator(".banner").inner_text()
        assert page.locator("li[data-silent]").count() == 8
        board.stall(False)
        page.wait_for_selector(LIVE)
        assert page.locator(".banner").count() == 0


def test_a_server_that_is_gone_is_told_of_within_5_s_and_a_restart_is_found(chromium, board):
    with open_page(chromium, board) as page:
        board.refuse_status = 503
        assert seconds_to_banner(page, board.cut) <= BANNER_S_MAX
        opened = board.opened
        until(
            lambda: board.opened >= opened + 2, "tries after an HTTP error, which a browser does not make", 12
        )
        board.refuse_status = None
        page.wait_for_selector(LIVE)
        board.put(bed("p1", alarms=[desaturation()]))
        board.restart()
        page.wait_for_selector('li[data-key="p1"][data-flash="high"]')


def test_a_cut_stream_goes_on_from_its_position_without_a_banner(chromium, board):
    with open_page(chromium, board) as page:
        board.put(bed("p3", bed="three"))
        page.wait_for_selector('li[data-key="p3"] >> text=three')
        board.cut()
        until(lambda: board.streams, "a stream again")
        assert board.asked_from[-1] == "0-1"
        board.remove("p3")
        page.wait_for_selector('li[data-key="p3"]', state="detached")
        assert page.locator(".banner").count() == 0


def test_one_partition_that_stands_is_named_and_only_its_beds_are_marked(chromium, board):
    with open_page(chromium, board) as page:
        assert seconds_to_banner(page, lambda: board.stand(2)) <= BANNER_S_MAX
        assert "Partition 2" in page.locator(".banner").inner_text()
        theirs = {each["patient"] for each in board.beds.values() if each["partition"] == 2}
        silent = "els => els.map((e) => e.dataset.key)"
        assert set(page.eval_on_selector_all("li[data-silent]", silent)) == theirs
        board.stand(2, False)
        page.wait_for_selector(LIVE)


def test_a_network_that_is_gone_is_told_of(chromium, board):
    def lose():
        page.context.set_offline(True)
        board.stall()  # a shared worker's stream is not cut by the browser's emulation

    with open_page(chromium, board) as page:
        assert seconds_to_banner(page, lose) <= BANNER_S_MAX
        assert "No network" in page.locator(".banner").inner_text()
        page.context.set_offline(False)
        board.stall(False)
        page.wait_for_selector(LIVE)


def test_the_end_of_a_session_says_so_and_where_to_sign_in(chromium, board):
    with open_page(chromium, board) as page:
        board.refuse_status = 401
        board.cut()
        page.wait_for_selector('.banner a[href^="/sign-in?next="]')


def test_ten_tabs_share_one_stream_and_each_shows_what_comes(chromium, board):
    with open_page(chromium, board) as page:
        tabs = [page.context.new_page() for _ in range(9)]
        for tab in tabs:
            tab.goto(board.url)
        for tab in tabs:
            tab.wait_for_selector(LIVE)
        assert board.streams == 1
        board.put(bed("p1", alarms=[desaturation()]))
        for tab in [page, *tabs]:
            tab.wait_for_selector('li[data-key="p1"][data-flash="high"]')
        page.close()  # the one that opened the stream
        board.put(bed("p2", alarms=[desaturation(2)]))
        for tab in tabs:
            tab.wait_for_selector('li[data-key="p2"][data-flash="high"]')
        for tab in tabs[1:]:
            tab.close()
        tabs[0].goto(board.url + "/load")  # nobody else is left, and the stream is still there
        tabs[0].wait_for_selector(LIVE)


def test_a_page_that_slept_says_so_before_it_shows_anything_as_new(chromium, board):
    with open_page(chromium, board) as page:
        page.evaluate(WRITE_DOWN_BANNERS)
        # a machine that slept an hour: the clock on the wall has gone on, the page's timers have not
        page.evaluate("() => { const now = Date.now.bind(Date); Date.now = () => now() + 3_600_000 }")
        until(
            lambda: page.evaluate("told.some((text) => text.includes('asleep'))"),
            "the banner of a page that slept",
        )
        page.wait_for_selector(LIVE)


def test_a_shared_worker_that_died_is_replaced(chromium, board):
    with open_page(chromium, board) as page:
        cdp = chromium.new_browser_cdp_session()
        found = cdp.send("Target.getTargets", {"filter": [{"type": "shared_worker", "exclude": False}]})
        workers = [target["targetId"] for target in found["targetInfos"]]
        assert workers
        for worker in workers:
            cdp.send("Target.closeTarget", {"targetId": worker})
        page.wait_for_selector(".banner")
        page.wait_for_selector(LIVE, timeout=30_000)


def test_the_next_person_in_a_browser_is_shown_nothing_of_the_one_before(chromium, board):
    with open_page(chromium, board) as page:
        board.person = {"id": "nurse-2", "role": "nurse", "wards": ["B"], "acts": None}
        board.beds = {"q1": bed("q1", "B")}
        tab = page.context.new_page()
        tab.goto(board.url)
        tab.wait_for_selector('li[data-key="q1"]')
        until(lambda: tab.locator("li[data-key]").count() == 1, "the second person's bed alone")
        until(lambda: page.locator("li[data-key]").count() == 1, "the same in the tab that was left open")


def test_tabs_of_different_wards_show_their_own_from_one_stream(chromium, board):
    board.put(bed("q1", "B"))
    with open_page(chromium, board, "/?ward=B") as page:
        tab = page.context.new_page()
        tab.goto(f"{board.url}/?ward=3 East")
        tab.wait_for_selector('li[data-key="p1"]')
        assert page.locator("li[data-key]").count() == 1
        assert tab.locator("li[data-key]").count() == 8
        until(lambda: board.streams == 1, "one stream")


def some_bed(chance, patient):
    alarms = chance.choice([[], [], [desaturation()], [alarm("hr-high", "medium", state="acknowledged")]])
    return bed(
        patient,
        chance.choice("AB"),
        bed=str(chance.randrange(40)),
        values={"hr": chance.randrange(40, 180)},
        alarms=alarms,
    )


def wanted(board):
    """Return what the page has to show of the server's beds, by patient."""
    found = {}
    for each in board.beds.values():
        calls = [one["priority"] for one in each["alarms"] if one["state"] != "acknowledged"]
        heart = str(each["values"]["hr"]["value"])
        found[each["patient"]] = [worst_of(each["alarms"]), calls[0] if calls else None, each["bed"], heart]
    return found


def disturb(board, chance):
    """Change beds in any order, with cuts and restarts in between."""
    for _ in range(chance.randrange(5, 25)):
        act, patient = chance.random(), chance.choice("abcdefgh")
        if act < 0.15 and len(board.beds) > 1:
            board.remove(patient)
        elif act < 0.25:
            board.cut()
        elif act < 0.28:
            board.restart()
        else:
            board.put(some_bed(chance, patient))


@pytest.mark.parametrize("before", [None, NO_WORKER], ids=["shared", "own"])
def test_after_any_cuts_and_restarts_the_page_shows_what_the_server_has(chromium, before):
    """Thirty seeded runs; the last word of each bed counts, whatever was missed on the way."""
    first = bed("a", bed="1", values={"hr": 60})
    with FakeBoard([first]) as board, open_page(chromium, board, before=before) as page:
        for seed in range(15):
            disturb(board, random.Random(seed))
            until(
                lambda: {key: rest for key, *rest in page.evaluate(SHOWN)} == wanted(board),
                f"the page of seed {seed} shows the server's beds",
                20,
            )
