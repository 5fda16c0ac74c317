"""What `vigil top` shows: every process, who is silent since when, and what is wrong, on narrow and wide screens."""

import io
import math
import re

import pytest
from rich.console import Console

from edge.metrics_scrape import Scrape
from edge.top.places import Place
from edge.top.top_troubles import troubles
from edge.top.top_view import COLUMNS, TROUBLES_MAX, data, plain, render, state_of
from edge.top.watched import Watched

NOW_S, WALL_S = 100.0, 1_700_000_000.0


def answer(**values):
    names = {name: value for name, value in values.items() if value is not None}
    return Scrape({(f"vigil_{name}", ()): float(value) for name, value in names.items()})


def worker(port, *, silent=False, over_s=10.0, **values):
    """A worker that was asked twice in 10 s, and if it is silent twice in vain since."""
    process = Watched(Place(f"http://127.0.0.1:{port}/metrics", "worker"), over_s, NOW_S - 20)
    well = {"ready": 1, "partitions_assigned": 4, "frames_total": 0, "lag_seconds": 0.1}
    process.observe(answer(**well), NOW_S - 20)
    process.observe(answer(**{**well, "frames_total": 5_000, **values}), NOW_S - 10)
    if silent:
        process.observe(None, NOW_S - 9)
        process.observe(None, NOW_S)
    return process


def missing(kind="gateway", may_be_missing=True):
    return Watched(Place("http://10.0.0.7:9465/metrics", kind, may_be_missing), 10.0, NOW_S - 5)


def screen(processes, width=80, height=24):
    console = Console(file=io.StringIO(), width=width, height=height, force_terminal=False)
    console.print(render(processes, NOW_S, WALL_S, width, height))
    return console.file.getvalue()


@pytest.mark.parametrize("width", [80, 140])
def test_all_figures_of_all_workers_fit_and_none_is_cut(width):
    wide = {"frames_total": 987_654_321, "lag_frames": 99_999, "patients": 2_500, "dead_letters_total": 1_234}
    shown = screen([worker(9464 + place, **wide) for place in range(3)], width)
    assert "…" not in shown
    assert all(len(line) <= width for line in shown.splitlines())
    columns = [column.title for column in COLUMNS["worker"] if width > 110 or not column.is_wide]
    assert all(title in shown for title in columns)
    rows = [line for line in shown.splitlines() if "ready" in line]
    assert len(rows) == 3
    assert all("98,765,432" in row and "1,234" in row for row in rows)


def test_a_long_name_of_a_host_is_cut_and_no_figure_is():
    process = Watched(Place("http://vigil-worker-7.icu.hospital.example:9464/metrics", "worker"), 10.0, NOW_S)
    process.observe(answer(ready=1, dead_letters_total=123_456, lag_seconds=12_345), NOW_S)
    row = next(line for line in screen([process]).splitlines() if "ready" in line)
    assert "vigil" in row
    assert "123,456" in row
    assert "12,345 s" in row


def test_one_that_does_not_answer_is_shown_with_since_when_and_without_figures():
    processes = [worker(9464), worker(9465, silent=True)]
    shown = screen(processes)
    assert "does not answer since" in shown
    assert "(0:09)" in shown
    row = next(line for line in shown.splitlines() if ":9465" in line and "silent" in line)
    assert "500" not in row
    assert "1 of 2 answer, 4 partitions, 500 frames/s" in shown


def test_one_that_answers_again_is_silent_no_more_and_one_that_is_silent_keeps_its_first_moment():
    process = worker(9464, silent=True)
    assert process.silent_since_s == NOW_S - 9
    process.observe(answer(ready=1, frames_total=6_000), NOW_S + 1)
    assert process.silent_since_s is None
    assert state_of(process) == "● ready"


def test_after_a_restart_the_rate_is_what_the_new_one_has_counted_since_the_old_one_answered():
    process = worker(9464, silent=True)
    process.observe(answer(ready=1, frames_total=220), NOW_S + 1)
    assert process.restarts == 1
    assert process.row().frames_per_s == pytest.approx(20.0)


def test_rates_are_over_the_time_that_was_asked_for_only():
    process = worker(9464, over_s=3.0)
    for second in range(1, 11):
        process.observe(answer(ready=1, frames_total=5_000 + max(0, second - 5) * 100), NOW_S - 10 + second)
        if second == 5:
            assert process.row().frames_per_s == 0
    assert process.row().frames_per_s == pytest.approx(100.0)


def test_what_nobody_has_to_run_is_no_trouble_before_it_has_answered():
    assert troubles([missing()], NOW_S, WALL_S) == []
    assert "not running: gateway 10.0.0.7:9465" in screen([missing()])
    assert len(troubles([missing(may_be_missing=False)], NOW_S, WALL_S)) == 1


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"ready": 0}, "owns no partition, or recovers them"),
        ({"lag_seconds": 5.1}, "is 5.1 s behind"),
        ({"checkpoint_age_seconds": 121}, "has made nothing durable for 2:01"),
        ({"dead_letters_total": 2}, "refuses records: 2 dead letters just now"),
    ],
)
def test_what_is_wrong_with_a_worker_is_said_in_words(values, said):
    assert troubles([worker(9464, **values)], NOW_S, WALL_S) == [f"worker :9464 {said}"]
    assert troubles([worker(9464)], NOW_S, WALL_S) == []


def test_of_more_workers_than_lines_those_that_need_it_are_shown():
    processes = [worker(9000 + place) for place in range(60)]
    processes[50] = worker(9050, lag_seconds=4.0)
    processes[55] = worker(9055, silent=True)
    shown = screen(processes, 80, 24)
    assert len(shown.splitlines()) <= 24
    assert ":9055" in shown
    assert ":9050" in shown
    assert re.search(r"59 of 60 answer.*, \d+ shown", shown)


def test_of_many_troubles_the_first_are_shown_and_the_rest_is_counted():
    shown = screen([worker(9000 + place, silent=True) for place in range(30)], 80, 24)
    assert f"and {30 - TROUBLES_MAX} more" in shown
    assert len(shown.splitlines()) <= 24


def test_a_process_of_something_else_is_named():
    process = Watched(Place("http://10.0.0.7:80/metrics"), 10.0, NOW_S)
    process.observe(Scrape({("up", ()): 1.0}), NOW_S)
    assert troubles([process], NOW_S, WALL_S) == [
        "10.0.0.7:80 is no worker, gateway, delivery or sender of Vigil"
    ]


def test_plain_tables_have_as_many_words_in_each_row_as_titles():
    lines = plain([worker(9464), worker(9465, silent=True)], NOW_S, WALL_S)
    assert len({len(line.split()) for line in lines[:3]}) == 1
    assert lines[0].split()[:3] == ["worker", "state", "frames/s"]
    assert lines[2].split()[:3] == [":9465", "silent", "-"]


def test_json_has_every_figure_and_no_infinity():
    process = worker(9464)
    buckets = {
        ("vigil_append_to_alert_seconds_bucket", (("le", le),)): n for le, n in (("30.0", 0), ("+Inf", 3))
    }
    last = dict(answer(ready=1, frames_total=5_000).samples) | buckets
    process.observe(Scrape(last), NOW_S)
    assert process.row().alert_p99_s == math.inf
    found = data(process, NOW_S)
    assert (found["kind"], found["answers"], found["silent_s"]) == ("worker", True, None)
    assert found["alert_p99_s"] is None
    assert data(worker(9465, silent=True), NOW_S)["silent_s"] == 9.0
